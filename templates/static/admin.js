// What helps a little where scripts run. No page needs any of it.
document.documentElement.classList.add("js");

// A button that copies the text of an element.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  const said = button.dataset.said ??= button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source); // not a secure page: the person copies what is now selected
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = said; }, 2000);
});

// A menu closes when somebody clicks elsewhere, opens another one, leaves it with the tab key, or presses Escape.
const close = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(except)) menu.open = false;
};
document.addEventListener("click", (event) => close(event.target));
document.addEventListener("focusin", (event) => close(event.target));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.activeElement.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A box in the header of a list that ticks every row, or none.
for (const head of document.querySelectorAll("table.list thead .check")) {
  const rows = [...head.closest("table").querySelectorAll('tbody .check input[type="checkbox"]')];
  if (!rows.length) continue;
  const box = document.createElement("input");
  box.type = "checkbox";
  box.setAttribute("aria-label", "Select all on this page");
  const tell = () => {
    const ticked = rows.filter((row) => row.checked).length;
    box.checked = ticked === rows.length;
    box.indeterminate = ticked > 0 && ticked < rows.length;
  };
  box.addEventListener("change", () => { for (const row of rows) row.checked = box.checked; });
  head.closest("table").addEventListener("change", tell);
  tell(); // going back, browsers restore what was ticked
  head.replaceChildren(box);
}
