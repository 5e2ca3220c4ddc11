// Sends each form once: a second click on Allow would interrupt the first on its way and show that the request is over.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
// The page comes back as it was left when a person goes back to it.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
