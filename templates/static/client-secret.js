// Adds a button that keeps the secrets on the page as a text file. The file is made here: the server has them no more.
const secrets = [...document.querySelectorAll("code[data-client]")];
if (secrets.length > 0) {
  const link = document.createElement("a");
  link.className = "button";
  link.textContent = "Download";
  link.download = secrets.length === 1 ? `${secrets[0].dataset.client}.txt` : "auth-clients-secrets.txt";
  const text = secrets.map((s) => `client_id: ${s.dataset.client}\nclient_secret: ${s.textContent}\n`).join("\n");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  document.querySelector(".secret .form-actions").prepend(link);
}
