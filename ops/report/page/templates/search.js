"use strict";
const field = document.getElementById("search");
const rows = Array.from(document.querySelectorAll("#resources tbody tr"));
const count = document.getElementById("found");

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) found += 1;
  }
  count.textContent = `${found} of ${rows.length}`;
}

field.addEventListener("input", search);
search();
