// One step: what is wrong in it, its tables, the picture of its policies and its timeline.
const MOST_GROUPS = 12;

function stepOf(data, step, room) {
  const cells = cellsOf(data, step), baseline = step.number === 0;
  const policies = step.policies.length ? `In force: ${listed(step.policies.map(text), 12)}.` : baseline ? '' : 'No policy is in force.';
  return [
    element('p', {class: 'course'}, element('strong', {}, baseline ? 'The baseline, without any policy' : step.action), ` – ${step.course}. `, element('span', {class: 'muted'}, policies)),
    step.relabelled.length > 0 && element('p', {class: 'muted small'}, `Labels changed: ${step.relabelled.join('; ')}.`),
    step.trouble.map((trouble) => element('p', {class: 'trouble'}, trouble)),
    findingsOf(data, step, cells),
    cells.length > 0 && tablesOf(data, cells),
    tracksOf(data, step),
    graphOf(data, step, room),
    step.beside.length > 0 && element('section', {}, element('h4', {}, 'Beside the rounds'), element('ul', {class: 'small'}, step.beside.map((line) => element('li', {}, line)))),
  ];
}

// Findings: those with a sentence of their own, then the wrong cells, together where they have the same reason.
function findingsOf(data, step, cells) {
  const spoken = step.spoken.map(([kind, sentence, where, reasons]) => element('li', {}, element('b', {class: 'bad'}, `${kind}: `), sentence,
    reasons.map(reasonOf).map((reason) => element('div', {class: 'reason muted'}, `${reason.direction}: ${reason.text}`))));
  const told = new Set(step.spoken.filter(([, , where]) => where).map(([, , where]) => where.join(' ')));
  const wrong = cells.filter((cell) => cell.isWrong && !told.has([cell.source, cell.destination, cell.lane].join(' ')));
  const groups = [...grouped(wrong, (cell) => cell.mark === '!' ? '!' : JSON.stringify([cell.mark, cell.expectation.verdict, cell.expectation.reasons.map((reason) => [reason.direction, reason.policy]), cell.answer?.kind, cell.answer?.detail, cell.mark === 'W' ? cell.answer?.responder : 0])).values()];
  groups.sort((one, other) => rank(one[0].mark) - rank(other[0].mark) || other.length - one.length);
  const items = groups.slice(0, MOST_GROUPS).map((same) => wrongGroup(data, same));
  const more = Math.max(0, groups.length - MOST_GROUPS);
  if (!spoken.length && !items.length) return null;
  return element('ul', {class: 'findings'}, spoken, items, step.more_spoken > 0 && element('li', {class: 'muted'}, `… and ${counted(step.more_spoken, 'more finding')}: record.json has them`),
    more > 0 && element('li', {class: 'muted'}, `… and ${counted(more, 'more group')} of wrong cells: the tables below have all of them`));
}
const rank = (mark) => ['L', 'O', '~', 'W', 'S', 'N', 'I', '!'].indexOf(mark);

function wrongGroup(data, same) {
  const cell = same[0], pairs = unique(same.map((each) => pairText(data, each)));
  const reasons = cell.expectation.reasons.map((reason, number) => {
    const others = unique(same.map((each) => each.expectation.reasons[number].text)).length - 1;
    return element('div', {class: 'reason muted'}, `${reason.direction}: ${reason.text}${others ? `, and alike for ${counted(others, 'other')}` : ''}`);
  });
  if (cell.mark === '!') {
    const details = unique(same.map((each) => each.answer?.detail ?? '')).filter(Boolean);
    return element('li', {class: 'unmeasured'}, element('b', {class: 'bad'}, `${MARKS['!'][0]}: `), element('strong', {}, listed(pairs, 6)),
      element('span', {class: 'muted'}, ` ${counted(same.length, 'cell')}, ${laneText(data, same)}`),
      details.length > 0 && element('div', {}, details[0], details.length > 1 && element('span', {class: 'muted'}, `, and ${counted(details.length - 1, 'more cause')}`)));
  }
  const must = cell.expectation.verdict === 'open' ? 'is open' : `must be ${cell.expectation.verdict}`;
  return element('li', {}, element('b', {class: 'bad'}, `${MARKS[cell.mark][0]}: `), element('strong', {}, listed(pairs, 6)),
    element('span', {class: 'muted'}, ` ${counted(same.length, 'cell')}, ${laneText(data, same)}`),
    element('div', {}, `${must}; observed: ${answerText(data, cell.answer)}`), reasons);
}

function tablesOf(data, cells) {
  const groups = laneGroups(cells).sort((one, other) => Number(other.cells.some((cell) => cell.isWrong)) - Number(one.cells.some((cell) => cell.isWrong)));
  const titles = groups.map((group) => {
    const wrong = group.cells.filter((cell) => cell.isWrong).length;
    return {title: laneText(data, group.cells), wrong};
  });
  if (groups.length === 1) return element('section', {'aria-label': 'Tables'}, element('p', {class: 'muted small'}, `Ports: ${titles[0].title}.`), gridsOf(data, groups[0].cells));
  return element('section', {'aria-label': 'Tables'}, tabs('Ports and families', titles.map(({title, wrong}) => [title, wrong ? [' ', element('b', {class: 'bad'}, `✗ ${wrong}`)] : '']), 0, (number) => gridsOf(data, groups[number].cells)));
}

let made = 0;
// Tabs with one panel, whose content is made when it is first wanted. The arrow keys walk from tab to tab.
function tabs(label, titles, chosen, contentOf) {
  const id = `t${made++}`, contents = new Map();
  const panel = element('div', {class: 'panel', role: 'tabpanel', id: `${id}p`});
  const buttons = titles.map(([title, extra], number) => element('button', {type: 'button', role: 'tab', class: 'tab', id: `${id}-${number}`, 'aria-controls': `${id}p`, onclick: () => choose(number)}, title, extra));
  function choose(number) {
    if (!contents.has(number)) contents.set(number, element('div', {}, contentOf(number)));
    buttons.forEach((button, each) => { button.setAttribute('aria-selected', each === number); button.tabIndex = each === number ? 0 : -1; });
    panel.setAttribute('aria-labelledby', `${id}-${number}`);
    panel.replaceChildren(contents.get(number));
  }
  const list = element('div', {class: 'tabs', role: 'tablist', 'aria-label': label, onkeydown: (event) => {
    const at = buttons.indexOf(document.activeElement), to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1}[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = (to + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  }}, buttons);
  choose(chosen);
  return [list, panel];
}
