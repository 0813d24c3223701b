/**
 * Names each cell of a table after its column, for the cards that rows are on a phone, and
 * lets long names break after their dots, slashes and underscores.
 */

const LONG = 24;

for (const table of document.querySelectorAll("table.docutils")) {
  const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr")) {
    [...row.cells].forEach((cell, place) => {
      if (names[place]) cell.dataset.label = names[place];
    });
  }
  for (const piece of table.querySelectorAll("td code span.pre, td code:not(:has(span))")) {
    if (piece.textContent.length <= LONG) continue;
    const parts = piece.textContent.split(/(?<=[._/=-])/);
    piece.replaceChildren(...parts.flatMap((part) => [part, document.createElement("wbr")]));
  }
}
