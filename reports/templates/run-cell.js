// One cell in words and in symbols.
const MARKS = {
  L: ['leak', 'wrongly allowed'], O: ['outage', 'wrongly blocked'], W: ['wrong pod', 'answered by another pod'],
  S: ['wrong source', 'seen to come from another address'], N: ['network', 'fault of the network'], I: ['illegal', 'illegal for an open cell'],
  '~': ['unstable', 'not for good'], '!': ['not measured', 'no measurement'], '*': ['beside', 'something was found beside the rounds'],
  t: ['transient', 'wrong for a while during the change, no failure'],
};
const SYMBOL = {allowed: '·', blocked: '✕', open: '?'};

const isReached = (answer) => answer.kind === 'connected';
function seenVerdict(cell) {
  if (!cell.answer || cell.answer.kind === 'broken') return 'broken';
  return isReached(cell.answer) ? 'allowed' : 'blocked';
}

// Class and symbol of a cell in the table of what was expected, and of what was observed.
function expectedLook(cell) {
  return {look: cell.expectation.verdict, symbol: SYMBOL[cell.expectation.verdict]};
}
function observedLook(cell) {
  const seen = seenVerdict(cell);
  if (cell.isWrong) return {look: `${seen} wrong mark-${cell.mark === 'O' ? 'outage' : cell.mark === '!' ? 'broken' : 'leak'}`, symbol: cell.mark};
  return {look: seen + (cell.mark ? ' noted' : ''), symbol: seen === 'broken' ? '!' : SYMBOL[seen]};
}

function answerText(data, answer) {
  if (!answer) return 'not asked';
  const detail = answer.detail ? ` (${answer.detail})` : '';
  if (answer.kind === 'broken') return `no measurement${detail}`;
  if (!isReached(answer)) return answer.kind.replace('-', ' ') + detail;
  const identity = answer.responder < 0 ? '' : text(answer.responder);
  const who = answer.responder === NOTHING ? 'the right pod' : answer.responder === NOBODY ? 'something that does not say who it is'
    : data.names.get(identity) ?? identity;
  const source = answer.seen ? `, which saw it come from ${answer.seen}` : '';
  return `connected, answered by ${who}${source}${detail}`;
}

function expectedText(cell) {
  const {verdict, open, legal, seen} = cell.expectation;
  if (verdict !== 'open') return verdict + (seen ? `, seen to come from ${seen}` : '');
  return `open${legal.length === 1 ? `, but only ${legal[0]} is legal` : ''}${open ? `: ${open}` : ''}`;
}

function firstText(cell) {
  if (!cell.answer) return '';
  if (cell.changed) {
    if (cell.first === null) return `never (newly ${cell.changed.now})`;
    const before = cell.changed.after === null ? 'in the first look' : `not yet at ${inSeconds(cell.changed.after)}`;
    return `${inSeconds(cell.first)} after the change (newly ${cell.changed.now}; ${before})`;
  }
  if (cell.first === null || cell.first === undefined) return 'never';
  return cell.first <= 0 ? 'from the first look on, before the change' : `${inSeconds(cell.first)} after the change, in the first look that agreed`;
}

const pairText = (data, cell) => `${data.places[cell.source]} → ${data.places[cell.destination]}`;
function laneText(data, cells) {
  const byFamilies = grouped(unique(cells.map((cell) => data.lanes[cell.lane])), (lane) => lane.port);
  const groups = grouped([...byFamilies], ([, lanes]) => unique(lanes.map((lane) => lane.family)).sort().join(', '));
  return [...groups].map(([families, ports]) => `${listed(ports.map(([port]) => port), 8)} (${families})`).join(', ');
}
function shortText(cell) {
  const verdict = cell.expectation.verdict === 'open' ? 'open' : `must be ${cell.expectation.verdict}`;
  const seen = {allowed: 'was reached', blocked: 'was blocked', broken: 'was not measured'}[seenVerdict(cell)];
  return `${verdict}, ${seen}${cell.mark ? `: ${MARKS[cell.mark][0]}` : ''}`;
}

// Everything about the cells of one pair: those that say the same are told together.
function detailOf(data, cells) {
  const parts = [element('p', {class: 'pair'}, pairText(data, cells[0]))];
  for (const same of grouped(cells, (cell) => `${cell.say} ${JSON.stringify(cell.spans)}`).values()) {
    const cell = same[0], rows = [];
    const row = (label, ...what) => rows.push(element('dt', {}, label), element('dd', {}, ...what));
    row('question', laneText(data, same));
    row('expected', element('strong', {}, expectedText(cell)));
    for (const reason of cell.expectation.reasons) row(reason.direction, reason.text);
    row('observed', element('strong', {class: cell.isWrong ? 'bad' : null}, cell.mark ? `${MARKS[cell.mark][0]}: ` : '', answerText(data, cell.answer)));
    row('first agreed', firstText(cell));
    if (cell.spans) row('over time', spansText(data, cell.spans));
    parts.push(element('dl', {class: 'facts cell-facts'}, rows));
  }
  return parts;
}
function spansText(data, spans) {
  const most = 8;
  const shown = spans.slice(0, most).map((span) => span.missing ? `${span.missing} more changes` : `${inSeconds(span.since)} ${span.answer.kind}`);
  return shown.join(' → ') + (spans.length > most ? ` → … (${spans.length - most} more)` : '');
}
