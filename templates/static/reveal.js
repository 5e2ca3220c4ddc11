// Gives every password field a button that shows what was typed. Without scripts there is no button.
for (const field of document.querySelectorAll('.reveal input[type="password"]')) {
  const button = document.createElement("button");
  button.type = "button";
  const show = (visible) => {
    field.type = visible ? "text" : "password";
    button.textContent = visible ? "Hide" : "Show";
    button.setAttribute("aria-label", visible ? "Hide password" : "Show password");
  };
  show(false);
  button.addEventListener("click", () => show(field.type === "password"));
  // Sent as a password, so that no browser remembers it among the texts.
  field.form.addEventListener("submit", () => show(false));
  field.after(button);
}
