// Adds a button that keeps the secret on the page as a text file. The file is made here: the server has the secret no more.
for (const secret of document.querySelectorAll("#secret")) {
  const name = document.querySelector("#client-id")?.textContent ?? "secrets";
  const lines = document.querySelector("#client-id")
    ? [`client_id: ${name}`, `client_secret: ${secret.textContent}`]
    : [secret.textContent.trim()];
  const link = document.createElement("a");
  link.className = "button";
  link.textContent = "Download";
  link.download = `${name}.txt`;
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/plain" }));
  document.querySelector(".secret .form-actions").prepend(link);
}
