(() => {
  "use strict";
  const form = document.getElementById("filter"), shown = document.getElementById("shown"), nothing = document.getElementById("nothing");
  const bodies = [...document.querySelectorAll("#matrix tbody")].map((body) => ({
    body,
    rows: [...body.querySelectorAll("tr[data-kinds]")].map((row) => ({
      row, kinds: row.dataset.kinds.split(" ").filter(Boolean), group: row.dataset.group, text: row.querySelector("th").textContent.toLowerCase(),
    })),
  }));
  const total = bodies.reduce((sum, { rows }) => sum + rows.length, 0);
  const fields = ["q", "group", "kind", "only"];

  function apply() {
    const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean), group = form.group.value, kind = form.kind.value, only = form.only.checked;
    let count = 0;
    for (const { body, rows } of bodies) {
      let here = 0;
      for (const each of rows) {
        const fits = (!group || each.group === group) && (!kind || each.kinds.includes(kind)) && (!only || each.kinds.length > 0)
          && words.every((word) => each.text.includes(word));
        each.row.hidden = !fits;
        here += fits;
      }
      body.hidden = !here;
      count += here;
    }
    nothing.hidden = count > 0;
    shown.textContent = count === total ? `all ${total} scenarios` : `${count} of ${total} scenarios`;
  }

  function remember() {
    const state = new URLSearchParams();
    for (const name of fields) {
      const field = form[name], value = field.type === "checkbox" ? (field.checked ? "1" : "") : field.value;
      if (value) state.set(name, value);
    }
    history.replaceState(null, "", `#${state}`);
  }

  function recall() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const name of fields) {
      const field = form[name], value = state.get(name) || "";
      if (field.type === "checkbox") field.checked = value === "1"; else field.value = value;
      if (field.tagName === "SELECT" && field.selectedIndex < 0) field.value = "";
    }
    apply();
  }

  form.hidden = false;
  form.addEventListener("input", () => { apply(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", recall);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); form.q.focus(); }
    if (event.key === "Escape" && document.activeElement === form.q) { form.q.value = ""; apply(); remember(); }
  });
  recall();
})();
