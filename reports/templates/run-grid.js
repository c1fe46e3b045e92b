// Expected and observed side by side, as tables whose cells can be walked with the arrow keys.
const MOST_SIDE = 40;

// Ports and families whose tables do not contradict each other share one table.
function laneGroups(cells) {
  const groups = [];
  for (const mine of [...grouped(cells, (cell) => cell.lane).values()]) {
    const looks = new Map(mine.map((cell) => [`${cell.source} ${cell.destination}`, `${cell.expectation.verdict} ${observedLook(cell).look} ${cell.mark} ${!cell.changed}`]));
    const fitting = groups.find((group) => [...looks].every(([pair, look]) => (group.looks.get(pair) ?? look) === look));
    if (!fitting) { groups.push({looks, cells: mine}); continue; }
    looks.forEach((look, pair) => fitting.looks.set(pair, look));
    fitting.cells.push(...mine);
  }
  return groups;
}

// The rows and columns that are drawn: all, or those with something wrong, and how many are not.
function sidesOf(cells) {
  const sides = (some) => [unique(some.map((cell) => cell.source)), unique(some.map((cell) => cell.destination))].map((side) => side.sort((a, b) => a - b));
  const [rows, columns] = sides(cells);
  if (rows.length <= MOST_SIDE && columns.length <= MOST_SIDE) return {rows, columns, note: ''};
  const wrong = cells.filter((cell) => cell.isWrong);
  const [few, narrow] = sides(wrong.length ? wrong : cells).map((side) => side.slice(0, MOST_SIDE));
  const what = wrong.length ? 'with something wrong ' : '';
  return {rows: few, columns: narrow, note: `Of ${rows.length} rows and ${columns.length} columns the first ${few.length} and ${narrow.length} ${what}are drawn.`};
}

function gridsOf(data, cells) {
  const {rows, columns, note} = sidesOf(cells);
  const byPair = grouped(cells, (cell) => `${cell.source} ${cell.destination}`);
  const detail = element('div', {class: 'detail card', role: 'status', 'aria-live': 'polite'});
  const hint = () => detail.replaceChildren(element('p', {class: 'muted'}, 'Point at a cell, or walk with the arrow keys: the rule that decided it, who answered, and when it first agreed.'));
  const made = {at: null, pinned: null, tables: []};
  const show = (key) => {
    if (key === null) return made.pinned === null ? hint() : show(made.pinned);
    detail.replaceChildren(...detailOf(data, byPair.get(key)));
    light(key);
  };
  const light = (key) => made.tables.forEach((table) => {
    table.querySelectorAll('.lit').forEach((cell) => cell.classList.remove('lit'));
    if (key !== null) table.querySelector(`[data-pair="${key}"]`)?.classList.add('lit');
  });
  const walk = {show, pin: (key) => { made.pinned = key; show(key); }};
  const wrong = cells.find((cell) => cell.isWrong), start = wrong ? `${wrong.source} ${wrong.destination}` : null;
  for (const [title, lookOf] of [['Expected', expectedLook], ['Observed', observedLook]]) {
    made.tables.push(gridTable(data, {title, lookOf, rows, columns, byPair, walk, start}));
  }
  walk.pin(start);
  const framed = made.tables.map((table) => element('div', {class: 'scroll'}, table));
  return [note && element('p', {class: 'muted'}, note), element('div', {class: 'grids'}, ...framed, detail), legendOf(cells)];
}

function gridTable(data, {title, lookOf, rows, columns, byPair, walk, start}) {
  const head = element('tr', {}, element('th', {class: 'corner', scope: 'col'}, element('span', {class: 'hidden-text'}, 'from \\ to')),
    columns.map((column) => element('th', {scope: 'col', class: 'up'}, element('span', {}, data.places[column]))));
  const body = rows.map((row) => element('tr', {}, element('th', {scope: 'row'}, data.places[row]), columns.map((column) => {
    const key = `${row} ${column}`, cells = byPair.get(key);
    if (!cells) return element('td', {class: 'cell none', 'aria-label': 'not asked'}, '');
    const {look, symbol} = lookOf(cells.find((cell) => cell.isWrong) ?? cells[0]);
    return element('td', {
      class: `cell ${look}${cells[0].changed ? ' changed' : ''}`, tabindex: -1, 'data-pair': key,
      'aria-label': `${pairText(data, cells[0])}: ${shortText(cells[0])}`,
    }, symbol);
  })));
  const table = element('table', {class: 'grid', role: 'grid', 'aria-label': `${title}: rows ask columns`},
    element('caption', {}, title, element('span', {class: 'muted'}, ' rows ask columns')), element('thead', {}, head), element('tbody', {}, body));
  const first = table.querySelector(`[data-pair="${start}"]`) ?? table.querySelector('[data-pair]');
  first?.setAttribute('tabindex', '0');
  table.addEventListener('keydown', (event) => moved(event, table));
  table.addEventListener('focusin', ({target}) => {
    if (!target.dataset.pair) return;
    table.querySelector('[tabindex="0"]')?.setAttribute('tabindex', '-1');
    target.setAttribute('tabindex', '0');
    walk.pin(target.dataset.pair);
  });
  table.addEventListener('pointerover', ({target}) => target.dataset.pair && walk.show(target.dataset.pair));
  table.addEventListener('pointerleave', () => walk.show(null));
  table.addEventListener('click', ({target}) => target.dataset.pair && target.focus());
  return table;
}

const STEPS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
function moved(event, table) {
  const cell = event.target.closest('[data-pair]');
  if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
  const lines = [...table.tBodies[0].rows];
  let row = lines.indexOf(cell.parentElement), column = cell.cellIndex, next = null;
  const at = (line, place) => lines[line]?.cells[place]?.dataset.pair ? lines[line].cells[place] : null;
  if (event.key === 'Home') next = [...lines[row].cells].find((each) => each.dataset.pair);
  else if (event.key === 'End') next = [...lines[row].cells].reverse().find((each) => each.dataset.pair);
  else if (STEPS[event.key]) {
    const [down, right] = STEPS[event.key];
    do { row += down; column += right; } while (lines[row]?.cells[column] && !at(row, column));
    next = at(row, column);
  } else return;
  event.preventDefault();
  next?.focus();
}

const LEGEND = ['·', '✕', '?', 'L', 'O', 'W', 'S', 'I', 'N', '~', '!', 'changed', 'noted'];
function legendOf(cells) {
  const entries = new Map(), plain = {'·': 'allowed', '✕': 'blocked', '?': 'open: measured, never judged', changed: 'changed by this step', noted: 'with a remark'};
  const add = (key, look, symbol) => entries.has(key) || entries.set(key, element('li', {},
    element('span', {class: `cell ${look}`, 'aria-hidden': 'true'}, symbol), ` ${plain[key] ?? MARKS[key].join(': ')}`));
  for (const cell of cells) {
    for (const {look, symbol} of [expectedLook(cell), observedLook(cell)]) add(symbol, look.replace(' noted', ''), symbol);
    if (cell.changed) add('changed', 'allowed changed', '');
    if (cell.mark === 't' || cell.mark === '*') add('noted', 'allowed noted', '');
  }
  return element('ul', {class: 'legend small muted'}, LEGEND.filter((key) => entries.has(key)).map((key) => entries.get(key)));
}
