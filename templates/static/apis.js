// What helps in the forms of APIs and of auth clients where scripts run. Both work without.

// Rows of scopes come and go without asking the server.
const rows = document.querySelector("[data-rows]");
const more = document.querySelector("button[data-more]");
const number = (row, n) => {
  const from = row.querySelector("button[name=remove]").value;
  row.setAttribute("aria-label", `Scope ${n}`);
  const remove = row.querySelector("button[name=remove]");
  remove.value = n;
  remove.querySelector(".sr").textContent = ` scope ${n}`;
  for (const element of row.querySelectorAll("[id], [for], [aria-describedby]")) {
    for (const name of ["id", "for", "aria-describedby"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replace(`scope-${from}-`, `scope-${n}-`));
    }
  }
};
const renumber = () => [...rows.children].forEach((row, i) => number(row, i + 1));
const added = () => {
  const row = rows.lastElementChild.cloneNode(true);
  for (const input of row.querySelectorAll("input")) {
    input.value = "";
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
  for (const fault of row.querySelectorAll(".fault")) fault.remove();
  for (const field of row.querySelectorAll(".wrong")) field.classList.remove("wrong");
  number(row, rows.children.length + 1);
  rows.append(row);
  return row;
};
if (rows && more) {
  more.textContent = "Add a row";
  more.addEventListener("click", (event) => {
    event.preventDefault();
    added().querySelector("input").focus();
  });
  rows.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=remove]");
    if (!button) return;
    event.preventDefault();
    const row = button.closest(".scope-row");
    const near = row.nextElementSibling ?? row.previousElementSibling ?? added();
    row.remove();
    renumber();
    near.querySelector("input").focus();
  });
}

// A scope brings its API along, and an API that goes takes its scopes with it.
document.addEventListener("change", (event) => {
  const choice = event.target.closest(".api-choice");
  if (!choice || event.target.type !== "checkbox") return;
  const api = choice.querySelector("input[name=api]");
  const scopes = [...choice.querySelectorAll("input[name=api_scope]")];
  if (event.target !== api) {
    if (event.target.checked) api.checked = true;
  } else if (api.checked) {
    const details = choice.querySelector("details");
    if (details) details.open = true;
  } else {
    for (const scope of scopes) scope.checked = false;
  }
  const told = choice.querySelector("[data-ticked]");
  const ticked = scopes.filter((scope) => scope.checked).length;
  if (told) told.textContent = ticked ? `, ${ticked} ticked` : "";
});

// Typing narrows the APIs to those that hold every word.
const filter = document.querySelector(".api-filter");
if (filter) {
  filter.hidden = false;
  const said = filter.querySelector("[role=status]");
  const choices = [...document.querySelectorAll(".api-choice")].map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const others = document.querySelector(".api-others");
  const narrow = () => {
    const words = filter.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { element, text } of choices) {
      element.hidden = !words.every((word) => text.includes(word));
      if (!element.hidden) shown++;
    }
    if (others && words.length) others.open = true;
    said.textContent = words.length ? `${shown} of ${choices.length} APIs` : "";
  };
  filter.addEventListener("input", narrow);
  filter.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); }); // which would save
  narrow(); // going back, browsers restore what was typed
}
