// The life of cells after a change: thin where a cell was as expected, thick where it was not.
const MOST_ROWS = 30;

function tracksOf(data, step) {
  const cells = cellsOf(data, step).filter((cell) => cell.spans || cell.isWrong || cell.changed).filter((cell) => cell.answer);
  const [count, first = 0, ended = 0] = step.rounds;
  if (!count || (!cells.length && !step.watched.length)) return null;
  const rows = [...grouped(cells, (cell) => JSON.stringify([cell.spans, cell.mark, cell.expectation.verdict, cell.first, cell.spans ? 0 : cell.answer])).values()]
    .map((same) => ({same, cell: same[0], spans: same[0].spans ?? [{since: first, until: ended, answer: same[0].answer, count}]}));
  const importance = ({cell, spans}) => (cell.isWrong ? 1e6 : 0) + (cell.mark ? 1e3 : 0) + spans.length * 10 + (cell.first ?? 0);
  rows.sort((one, other) => importance(other) - importance(one));
  const watched = step.watched.map(([source, destination, lane, what, track]) => ({
    label: `${data.places[source]} → ${data.places[destination]} ${data.lanes[lane].name}: ${what}`, spans: spansOf(data, track),
  }));
  const last = lastChange(rows, watched, step.settled);
  const isCut = last < ended * 0.8;
  const scale = {from: Math.min(0, first), to: isCut ? last : ended};
  const shown = rows.slice(0, MOST_ROWS);
  return element('section', {class: 'timeline', 'aria-label': 'Timeline of the change'},
    element('h4', {}, 'Timeline of the change'),
    element('p', {class: 'muted small'}, timesText(cells, step)),
    element('div', {class: 'tracks', role: 'list'},
      axisOf(scale),
      shown.map((row) => trackRow(data, row, scale)), watched.map((row) => watchedRow(row, scale))),
    element('p', {class: 'muted small'}, 'Thin: as expected; thick: not (pale where it came right in the end); outlined: not measured. ',
      isCut && `Nothing changes from here to ${inSeconds(ended)}. `,
      rows.length > shown.length && `${counted(rows.length - shown.length, 'more row')} not drawn. `,
      step.more_tracks > 0 && `The tracks of ${counted(step.more_tracks, 'more cell')} are left out here: record.json has them.`));
}

function lastChange(rows, watched, settled) {
  const times = [...rows, ...watched].flatMap(({spans}) => spans.slice(1).map((span) => span.since ?? 0));
  return Math.max(1, (settled ?? 0) * 1.25, ...times.map((time) => time * 1.25));
}

function timesText(cells, step) {
  const parts = [];
  for (const now of ['blocked', 'allowed']) {
    const changed = cells.filter((cell) => cell.changed?.now === now);
    const times = changed.map((cell) => cell.first).filter((time) => time !== null).sort((a, b) => a - b);
    if (!changed.length) continue;
    const never = changed.length - times.length;
    const range = times.length ? `first after ${inSeconds(times[0])}, last after ${inSeconds(times.at(-1))}` : '';
    parts.push(`${counted(changed.length, 'cell')} newly ${now}: ${[range, never && `${never} never`].filter(Boolean).join(', ')}`);
  }
  const transients = cells.filter((cell) => cell.mark === 't').length;
  if (transients) parts.push(`${counted(transients, 'transient')} (wrong for a while, no failure)`);
  if (step.settled !== null) parts.push(`the whole table agreed at ${inSeconds(step.settled)}`);
  return parts.length ? `${parts.join('; ')}.` : '';
}

const place = (time, {from, to}) => `${Math.max(0, Math.min(100, (time - from) / (to - from) * 100)).toFixed(2)}%`;
const length = (since, until, {from, to}) => `${Math.max(0, (Math.min(until, to) - Math.max(since, from)) / (to - from) * 100).toFixed(2)}%`;

function axisOf(scale) {
  const span = scale.to - scale.from, unit = 10 ** Math.floor(Math.log10(span)), every = [0.2, 0.5, 1, 2, 5].map((part) => part * unit).find((part) => span / part <= 8) ?? unit * 5;
  const ticks = [];
  for (let time = Math.ceil(scale.from / every) * every; time <= scale.to * 1.0001; time += every) ticks.push(time);
  const digits = every < 0.1 ? 2 : every < 1 ? 1 : 0;
  return element('div', {class: 'axis', 'aria-hidden': 'true'}, element('span', {class: 'muted small'}, 'seconds after the change'),
    drawn('svg', {width: '100%', height: 22}, ticks.map((time) => [
      drawn('line', {class: 'tick', x1: place(time, scale), x2: place(time, scale), y1: 16, y2: 22}),
      drawn('text', {x: place(time, scale), y: 12, 'text-anchor': time === ticks[0] && time - scale.from < span / 20 ? 'start' : time > scale.to - span / 20 ? 'end' : 'middle'}, time.toFixed(digits)),
    ])));
}

function trackRow(data, {same, cell, spans}, scale) {
  const rest = same.length > 1 ? ` and ${counted(same.length - 1, 'more cell')}` : '';
  const first = cell.changed && cell.first !== null ? cell.first : null;
  const words = `${pairText(data, cell)} ${data.lanes[cell.lane].name}${rest}: ${cell.mark ? `${MARKS[cell.mark].join(', ')}; ` : ''}${spansText(data, spans)}`;
  return element('div', {class: 'track', role: 'listitem', title: unique(same.map((each) => `${pairText(data, each)} ${data.lanes[each.lane].name}`)).slice(0, 12).join('\n')},
    element('span', {class: 'track-name'}, cell.isWrong && element('b', {class: 'bad'}, `${cell.mark} `), pairText(data, cell),
      element('span', {class: 'muted'}, ` ${laneText(data, same.filter((each) => each.source === cell.source && each.destination === cell.destination))}`),
      rest && element('span', {class: 'muted'}, ` + ${same.length - 1} more`)),
    drawn('svg', {width: '100%', height: 20, role: 'img', 'aria-label': words}, drawn('title', {}, words),
      segments(spans, scale, (answer) => rightOrWrong(cell, answer)),
      drawn('line', {class: 'change', x1: place(0, scale), x2: place(0, scale), y1: 0, y2: 20}),
      first !== null && [drawn('line', {class: 'first', x1: place(first, scale), x2: place(first, scale), y1: 1, y2: 19}),
        drawn('text', {x: place(first, scale), dx: first > (scale.from + scale.to) * 0.8 ? -4 : 4, y: 8, 'text-anchor': first > (scale.from + scale.to) * 0.8 ? 'end' : 'start'}, inSeconds(first))]));
}

function rightOrWrong(cell, answer) {
  if (answer.kind === 'broken') return 'none';
  const seen = isReached(answer) ? 'allowed' : 'blocked', {verdict, legal} = cell.expectation;
  const agrees = verdict === 'open' ? !legal.length || legal.includes(seen) : seen === verdict;
  const isRightPod = answer.responder === NOTHING || answer.responder >= 0 && cell.expectation.responders.includes(text(answer.responder));
  return agrees && (seen === 'blocked' || isRightPod && cell.mark !== 'S') ? `as-expected ${seen}` : (seen === 'allowed' ? 'reached' : 'lost') + (cell.isWrong ? '' : ' later');
}

function watchedRow({label, spans}, scale) {
  const words = `${label}: ${spans.map((span) => span.missing ? `${span.missing} more` : `${inSeconds(span.since)} ${span.answer.kind}`).slice(0, 8).join(', ')}`;
  return element('div', {class: 'track', role: 'listitem'}, element('span', {class: 'track-name'}, label),
    drawn('svg', {width: '100%', height: 20, role: 'img', 'aria-label': words}, drawn('title', {}, words),
      segments(spans, scale, (answer) => answer.kind === 'broken' ? 'none' : isReached(answer) ? 'as-expected allowed' : 'as-expected blocked')));
}

function segments(spans, scale, classOf) {
  return spans.filter((span) => !span.missing && span.since <= scale.to).map((span, number) => {
    const next = spans[number + 1], kind = classOf(span.answer), isThin = kind.startsWith('as-expected');
    const until = next && !next.missing ? next.since : Math.max(span.until, span.since);
    return drawn('rect', {class: `span ${kind}`, x: place(span.since, scale), width: length(span.since, next ? until : scale.to, scale), y: isThin ? 12 : 3, height: isThin ? 5 : 14, rx: 1});
  });
}
