// Search, and links that open the table they lead to.

const tables = [...document.querySelectorAll("details.table")].map((element) => ({ element, text: element.textContent.toLowerCase() }));
const search = document.getElementById("search");
const found = document.getElementById("found");

function narrow() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { element, text } of tables) {
    element.hidden = !words.every((word) => text.includes(word));
    shown += element.hidden ? 0 : 1;
  }
  found.textContent = words.length ? `${shown} of ${tables.length} tables` : "";
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const table = target?.closest("details.table");
  if (table) {
    table.hidden = false;
    table.open = true;
    target.scrollIntoView();
  }
}

search.addEventListener("input", narrow);
addEventListener("hashchange", openTarget);
openTarget();
