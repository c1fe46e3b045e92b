// Who may talk to whom by the model, as a picture: who asks on the left, who is asked on the right, and what the policies decide between them.
const MOST_PLACES = 40, MOST_EDGES = 36, ROW = 26, GAP = 14;

const isDecided = (cell) => cell.expectation.reasons.some((reason) => reason.policy !== null);

// What was not measured says nothing against the model.
const isAgainst = (cell) => cell.isWrong && cell.mark !== '!';

function edgesOf(cells) {
  return [...grouped(cells.filter((cell) => isDecided(cell) || isAgainst(cell)), (cell) => `${cell.source} ${cell.destination}`).values()].map((mine) => {
    const allowed = mine.filter((cell) => cell.expectation.verdict === 'allowed'), blocked = mine.filter((cell) => cell.expectation.verdict === 'blocked');
    const kind = !blocked.length && !allowed.length ? 'open' : !blocked.length ? 'allowed' : !allowed.length ? 'blocked' : 'partly';
    const wrong = mine.find(isAgainst);
    return {source: mine[0].source, destination: mine[0].destination, kind, wrong: wrong ? wrong.mark : '', cells: mine, allowed};
  });
}

function graphOf(data, step, room) {
  const cells = cellsOf(data, step), edges = edgesOf(cells);
  const section = (...children) => element('section', {class: 'graph', 'aria-label': 'Who may talk to whom'}, element('h4', {}, 'Who may talk to whom, by the model'), ...children);
  if (!cells.length) return null;
  if (!edges.length) return section(element('p', {class: 'muted'}, 'No policy decides anything in this step: everybody may talk to everybody.'));
  const sources = unique(edges.map((edge) => edge.source)), destinations = unique(edges.map((edge) => edge.destination));
  const {drawn: shown, note} = drawnEdges(edges);
  if (sources.length + destinations.length > 2 * MOST_PLACES) {
    return section(element('p', {}, `The policies decide between ${counted(sources.length, 'source')} and ${counted(destinations.length, 'destination')}: too many for a picture. ${countsText(edges)}`));
  }
  return section(element('p', {class: 'muted small'}, `${countsText(edges)} ${note}`), pictureOf(data, {edges: shown, sources, destinations, cells, width: Math.max(330, Math.min(1000, room))}), keyOf(shown));
}

function countsText(edges) {
  const count = (kind) => edges.filter((edge) => edge.kind === kind).length;
  const parts = [[count('allowed'), 'allowed'], [count('partly'), 'allowed on some ports only'], [count('blocked'), 'blocked'], [count('open'), 'open']]
    .filter(([number]) => number).map(([number, what]) => `${number} ${what}`);
  return `Of the pairs of which the policies decide: ${parts.join(', ')}. All others may talk.`;
}

// Too many lines hide each other: the smaller half says it all. What is wrong is always drawn.
function drawnEdges(edges) {
  if (edges.length <= MOST_EDGES) return {drawn: edges, note: ''};
  const blocked = edges.filter((edge) => edge.kind === 'blocked' && !edge.wrong), allowed = edges.filter((edge) => edge.kind === 'allowed' && !edge.wrong);
  const [hidden, what] = blocked.length >= allowed.length ? [blocked, 'blocked'] : [allowed, 'allowed'];
  const rest = edges.filter((edge) => !hidden.includes(edge)), kept = rest.slice(0, 3 * MOST_EDGES);
  const missing = [[hidden.length, what], [rest.length - kept.length, 'more']].filter(([number]) => number).map(([number, which]) => `${number} ${which}`);
  return {drawn: kept, note: missing.length ? `Not drawn: ${missing.join(' and ')}.` : ''};
}

const namespaceOf = (ref) => ref.includes('/') ? ref.slice(0, ref.lastIndexOf('/')) : '';
const nameOf = (ref) => ref.slice(ref.lastIndexOf('/') + 1);

// Boxes of one side from top to bottom: [{title, y, height, places: [[place, y]]}].
function boxesOf(data, side) {
  let y = 4;
  return [...grouped(side.slice().sort((a, b) => a - b), (place) => namespaceOf(data.places[place]))].map(([title, places]) => {
    const box = {title, y, height: 24 + places.length * ROW, places: places.map((each, row) => [each, y + 22 + row * ROW + ROW / 2 - 2])};
    y += box.height + GAP;
    return box;
  });
}

function pictureOf(data, {edges, sources, destinations, cells, width}) {
  const sides = [boxesOf(data, sources), boxesOf(data, destinations)];
  const heights = sides.map((boxes) => boxes.at(-1).y + boxes.at(-1).height + 4), height = Math.max(...heights) + 20;
  sides.forEach((boxes, side) => boxes.forEach((box) => {
    const down = 20 + (Math.max(...heights) - heights[side]) / 2;
    box.y += down;
    box.places = box.places.map(([place, y]) => [place, y + down]);
  }));
  const column = Math.min(230, width * 0.31), ports = sides.map((boxes) => new Map(boxes.flatMap((box) => box.places)));
  const picture = drawn('svg', {class: 'picture', viewBox: `0 0 ${width} ${height}`, width, height, role: 'group', 'aria-label': 'Sources on the left, destinations on the right'});
  const lines = edges.map((edge) => edgeLine(data, edge, {from: column + 1, to: width - column - 1, y: ports[0].get(edge.source), end: ports[1].get(edge.destination)}));
  picture.append(drawn('text', {class: 'side', x: 2, y: 13}, 'asks'), drawn('text', {class: 'side', x: width - column + 2, y: 13}, 'is asked'), ...lines);
  sides.forEach((boxes, side) => boxes.forEach((box) => picture.append(boxShape(data, {box, side, x: side ? width - column : 0, width: column, edges, cells}))));
  const fade = (place, side) => picture.classList.toggle('faded', place !== null) || lines.forEach((line) => line.classList.toggle('lit', line.dataset[side] === place));
  const over = ({target}) => { const pod = target.closest('[data-place]'); fade(pod ? pod.dataset.place : null, pod ? pod.dataset.side : 'source'); };
  picture.addEventListener('pointerover', over);
  picture.addEventListener('focusin', over);
  picture.addEventListener('pointerleave', () => fade(null, 'source'));
  picture.addEventListener('focusout', () => fade(null, 'source'));
  return element('div', {class: 'scroll'}, picture);
}

// A point of a cubic curve: signs stand near the source, where lines are still apart.
const onCurve = (t, ...points) => [0, 1].map((axis) => points.reduce((sum, point, n) => sum + [1, 3, 3, 1][n] * (1 - t) ** (3 - n) * t ** n * point[axis], 0));

function edgeLine(data, edge, {from, to, y, end}) {
  const bend = (to - from) * 0.42, signAt = onCurve(0.2, [from, y], [from + bend, y], [to - bend, end], [to - 7, end]), seen = edge.wrong ? ` wrong mark-${edge.wrong === 'O' ? 'outage' : 'leak'}` : '';
  const ports = edge.kind === 'partly' ? listed(unique(edge.allowed.map((cell) => data.lanes[cell.lane].port)), 2) : '';
  const words = `${data.places[edge.source]} → ${data.places[edge.destination]}: ${edge.kind === 'partly' ? `only ${laneText(data, edge.allowed)} allowed` : edge.kind}${edge.wrong ? `; observed: ${MARKS[edge.wrong].join(', ')}` : ''}`;
  const sign = edge.wrong || (edge.kind === 'blocked' ? '✕' : edge.kind === 'open' ? '?' : '');
  return drawn('g', {class: `edge ${edge.kind}${seen}`, 'data-source': edge.source, 'data-destination': edge.destination}, drawn('title', {}, words),
    drawn('path', {class: 'line', d: `M${from} ${y} C${from + bend} ${y} ${to - bend} ${end} ${to - 7} ${end}`}),
    drawn('path', {class: 'head', d: `M${to - 8} ${end - 4} L${to} ${end} L${to - 8} ${end + 4} Z`}),
    sign && drawn('text', {class: 'sign', x: signAt[0], y: signAt[1] + 4, 'text-anchor': 'middle'}, sign),
    ports && drawn('text', {class: 'ports', x: to - 14, y: end - 4, 'text-anchor': 'end'}, ports));
}

function boxShape(data, {box, side, x, width, edges, cells}) {
  const most = Math.floor(width / 7.4);
  const cut = (name, room) => name.length > room ? `${name.slice(0, room - 1)}…` : name;
  return drawn('g', {}, drawn('rect', {class: 'box', x: x + 0.5, y: box.y, width: width - 1, height: box.height, rx: 7}),
    drawn('text', {class: 'namespace', x: x + 9, y: box.y + 15}, cut(box.title || 'without a namespace', most), drawn('title', {}, box.title)),
    box.places.map(([place, y]) => {
      const isolation = isolationOf(cells, place, side), mine = edges.filter((edge) => (side ? edge.destination : edge.source) === place);
      const other = (edge) => nameOf(data.places[side ? edge.source : edge.destination]);
      const of = (kind) => listed(mine.filter((edge) => edge.kind === kind).map(other), 12);
      const words = [data.places[place], isolation, ...['allowed', 'partly', 'blocked', 'open'].map((kind) => of(kind) && `${kind}: ${of(kind)}`)].filter(Boolean).join('; ');
      return drawn('g', {class: `pod${isolation ? ' isolated' : ''}`, tabindex: 0, role: 'img', 'aria-label': words, 'data-place': place, 'data-side': side ? 'destination' : 'source'},
        drawn('title', {}, words),
        drawn('rect', {x: x + 6, y: y - ROW / 2 + 2, width: width - 12, height: ROW - 4, rx: 5}),
        isolation && drawn('path', {class: 'lock', d: `M${x + 13} ${y - 1} h8 v6 h-8 Z M${x + 14.5} ${y - 1} v-2 a2.5 2.5 0 0 1 5 0 v2`}),
        drawn('text', {x: x + (isolation ? 27 : 13), y: y + 4}, cut(nameOf(data.places[place]), most - 3)));
    }));
}

// Whether a policy isolates a place for what it does on this side of the picture.
function isolationOf(cells, place, side) {
  const direction = side ? 'ingress' : 'egress';
  const policies = unique(cells.filter((cell) => (side ? cell.destination : cell.source) === place)
    .flatMap((cell) => cell.expectation.reasons.filter((reason) => reason.direction === direction && reason.policy !== null).map((reason) => reason.policy)));
  return policies.length ? `isolated for ${direction} by ${listed(policies, 6)}` : '';
}

function keyOf(edges) {
  const words = {allowed: 'allowed', blocked: 'blocked', partly: 'some ports only', open: 'open'};
  const kinds = ['allowed', 'partly', 'blocked', 'open'].filter((kind) => edges.some((edge) => edge.kind === kind && !edge.wrong));
  const sample = (kind, sign) => drawn('svg', {width: 44, height: 14, 'aria-hidden': 'true', class: 'picture'}, drawn('g', {class: `edge ${kind}`},
    drawn('path', {class: 'line', d: 'M1 7 H36'}), drawn('path', {class: 'head', d: 'M36 3 L44 7 L36 11 Z'}), sign && drawn('text', {class: 'sign', x: 18, y: 11, 'text-anchor': 'middle'}, sign)));
  return element('ul', {class: 'legend small muted'}, kinds.map((kind) => element('li', {}, sample(kind, kind === 'blocked' ? '✕' : kind === 'open' ? '?' : ''), ` ${words[kind]}`)),
    unique(edges.map((edge) => edge.wrong).filter(Boolean)).map((mark) => element('li', {}, sample(`wrong mark-${mark === 'O' ? 'outage' : 'leak'}`, mark), ` ${MARKS[mark].join(': ')}`)),
    element('li', {}, drawn('svg', {width: 14, height: 14, class: 'picture', 'aria-hidden': 'true'}, drawn('g', {class: 'pod isolated'}, drawn('path', {class: 'lock', d: 'M3 6 h8 v6 h-8 Z M4.5 6 v-2 a2.5 2.5 0 0 1 5 0 v2'}))), ' isolated by a policy'));
}
