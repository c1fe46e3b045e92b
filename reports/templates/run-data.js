// What stands in the page's JSON becomes places, lanes, questions, cells. Tables are read when a scenario is opened, not before.
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUE = new Map([...DIGITS].map((digit, value) => [digit, value]));
const VERDICTS = ['allowed', 'blocked', 'open'];
const KINDS = ['connected', 'refused', 'timed-out', 'prohibited', 'broken'];
const NOTHING = -1, NOBODY = -2;

const byId = (id) => document.getElementById(id);
const json = (id) => JSON.parse(byId(id).textContent);
let tables = null;
const shared = () => tables ??= json('shared');
const text = (number) => shared().texts[number];

// An element with attributes and children. A text is always a text, never markup.
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}
function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}
function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false && child !== ''));
  return made;
}

const counted = (number, noun) => `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
const inSeconds = (value) => `${value.toFixed(2)} s`;
const unique = (values) => [...new Set(values)];
function grouped(values, keyOf) {
  const groups = new Map();
  for (const value of values) {
    const key = keyOf(value);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(value);
  }
  return groups;
}
// The first `most` as one text, with a count of the rest.
function listed(values, most) {
  const more = values.length > most ? ` and ${values.length - most} more` : '';
  return values.slice(0, most).join(', ') + more;
}

function unpacked(code, width) {
  const numbers = [];
  for (let at = 0; at < code.length; at += width) {
    let number = 0;
    for (let digit = 0; digit < width; digit++) number = number * 64 + VALUE.get(code[at + digit]);
    numbers.push(number);
  }
  return numbers;
}

function reasonOf(number) {
  const [isEgress, sentence, policy] = shared().reasons[number];
  return {direction: isEgress ? 'egress' : 'ingress', text: text(sentence), policy: policy < 0 ? null : text(policy)};
}

function opened(id) {
  const data = json(id);
  const [wide, narrow] = data.digits;
  data.places = data.places.map(text);
  data.lanes = data.lanes.map(([lane, isSix]) => ({port: text(lane), family: isSix ? 'ipv6' : 'ipv4'}));
  data.lanes.forEach((lane) => { lane.name = `${lane.port} ${lane.family}`; });
  data.expectations = data.expectations.map(([verdict, reasons, open = NOTHING, legal = [], responders = [], seen = NOTHING]) => ({
    verdict: VERDICTS[verdict],
    reasons: reasons.map(reasonOf),
    open: open < 0 ? '' : text(open),
    legal: legal.map((each) => VERDICTS[each]),
    responders: responders.map(text),
    seen: seen < 0 ? '' : text(seen),
  }));
  data.answers = data.answers.map(([kind, responder, seen, detail]) => ({
    kind: KINDS[kind], responder, seen: seen < 0 ? '' : text(seen), detail: detail < 0 ? '' : text(detail),
  }));
  data.sequences = data.sequences.map((code) => {
    const count = code.length / (2 * wide + narrow);
    const sources = unpacked(code.slice(0, count * wide), wide);
    const destinations = unpacked(code.slice(count * wide, 2 * count * wide), wide);
    const lanes = unpacked(code.slice(2 * count * wide), narrow);
    return sources.map((source, position) => ({source, destination: destinations[position], lane: lanes[position]}));
  });
  data.world = data.world < 0 ? null : shared().worlds[data.world];
  data.names = new Map((data.world?.pods ?? []).map(([ref, identity]) => [identity, ref]));
  return data;
}

// The cells of a step, each with everything that is known of it.
function cellsOf(data, step) {
  if (step.known) return step.known;
  const says = unpacked(step.cells, step.width), expects = unpacked(step.expects, data.digits[2]);
  step.known = data.sequences[step.asks].map((question, position) => {
    const [answer, mark, first, isBlocked, after] = step.says[says[position]];
    const cell = {
      ...question, position, mark, first, answer: answer < 0 ? null : data.answers[answer],
      expectation: data.expectations[expects[position]], say: `${says[position]} ${expects[position]}`,
      changed: isBlocked === undefined ? null : {now: isBlocked ? 'blocked' : 'allowed', at: first, after},
      spans: step.tracks[position] ? spansOf(data, step.tracks[position]) : null,
    };
    cell.isWrong = mark !== '' && mark !== 't' && mark !== '*';
    return cell;
  });
  return step.known;
}
function spansOf(data, rows) {
  return rows.map((row) => row.length === 1 ? {missing: row[0]}
    : {since: row[0], until: row[1], answer: data.answers[row[2]], count: row[3]});
}
