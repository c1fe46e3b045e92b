// The list: what is shown is what the address says, so that a link shows the same view.
const form = byId('filter'), scenarios = [...document.querySelectorAll('details.scenario')];
const words = new Map();
// Of the page as it was sent: what an opened scenario has drawn must not change what a filter finds.
const wordsOf = (scenario) => words.get(scenario) ?? words.set(scenario, [scenario.dataset.name, ...textsOf(scenario)].join(' ').toLowerCase()).get(scenario);
const textsOf = (scenario) => [scenario.querySelector('summary'), ...scenario.querySelector('.inside').children].filter((each) => !each.classList.contains('view')).map((each) => each.textContent);
const OUTCOMES = unique(scenarios.map((scenario) => scenario.dataset.outcome));

function stateOf(hash) {
  const given = new URLSearchParams(hash.slice(1));
  return {
    q: given.get('q') ?? '', group: given.get('group'), capability: given.get('capability') ?? '', scenario: given.get('scenario'),
    outcomes: (given.get('outcome') ?? '').split(',').filter((outcome) => OUTCOMES.includes(outcome)),
  };
}
function hashOf({q, group, capability, outcomes, scenario}) {
  const found = new URLSearchParams();
  if (q) found.set('q', q);
  if (outcomes.length) found.set('outcome', outcomes.join(','));
  if (group !== null) found.set('group', group);
  if (capability) found.set('capability', capability);
  if (scenario !== null) found.set('scenario', scenario);
  return found.size ? `#${found}` : '';
}

let state = stateOf('');
function remember(change) {
  state = {...state, ...change};
  history.replaceState(null, '', hashOf(state) || location.pathname + location.search);
}

function isShown(scenario) {
  const {outcome, group, needs} = scenario.dataset;
  return (!state.outcomes.length || state.outcomes.includes(outcome)) && (state.group === null || group === state.group)
    && (!state.capability || needs.split(' ').includes(state.capability))
    && (!state.q.trim() || state.q.trim().toLowerCase().split(/\s+/).every((word) => wordsOf(scenario).includes(word)));
}

function applied() {
  let shown = 0;
  for (const scenario of scenarios) shown += !(scenario.hidden = !isShown(scenario));
  for (const section of document.querySelectorAll('.problem')) {
    const there = section.querySelectorAll('details.scenario:not([hidden])').length;
    section.hidden = !there;
    section.querySelector('.count').textContent = there;
  }
  const isFiltered = shown < scenarios.length || hashOf({...state, scenario: null}) !== '';
  byId('shown').textContent = isFiltered ? `${shown} of ${scenarios.length} shown` : counted(scenarios.length, 'scenario');
  byId('clear').hidden = !isFiltered;
  byId('nothing').hidden = shown > 0 || !scenarios.length;
  form.q.value = state.q;
  form.group.value = state.group ?? NONE;
  form.capability.value = state.capability;
  for (const pill of byId('outcomes').children) pill.setAttribute('aria-pressed', state.outcomes.includes(pill.dataset.outcome));
}

// Groups may have an empty name, so "every group" is told apart by its place.
const NONE = '\u0000';
form.group.options[0].value = NONE;

function follow() {
  const isPlain = location.hash && !location.hash.includes('=');
  if (isPlain) return;
  state = stateOf(location.hash);
  const wanted = state.scenario === null ? null : scenarios.find((scenario) => scenario.dataset.name === state.scenario);
  if (wanted && !isShown(wanted)) state = {...stateOf(''), scenario: state.scenario};
  applied();
  if (!wanted) {
    if (location.hash) byId('list-title').scrollIntoView();
    return;
  }
  wanted.open = true;
  fill(wanted);
  wanted.scrollIntoView();
  wanted.querySelector('summary').focus({preventScroll: true});
}

for (const outcome of OUTCOMES) {
  byId('outcomes').append(element('button', {type: 'button', class: `badge pill ${outcome}`, 'data-outcome': outcome, 'aria-pressed': 'false', onclick: () => {
    const outcomes = state.outcomes.includes(outcome) ? state.outcomes.filter((each) => each !== outcome) : [...state.outcomes, outcome];
    remember({outcomes, scenario: null});
    applied();
  }}, outcome));
}
form.hidden = false;
form.addEventListener('submit', (event) => event.preventDefault());
form.addEventListener('input', () => {
  remember({q: form.q.value, group: form.group.value === NONE ? null : form.group.value, capability: form.capability.value, scenario: null});
  applied();
});
form.addEventListener('reset', (event) => {
  event.preventDefault();
  remember(stateOf(''));
  applied();
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select, textarea')) return;
  event.preventDefault();
  form.q.focus();
});
for (const scenario of scenarios) {
  scenario.addEventListener('toggle', () => {
    if (scenario.open) fill(scenario);
    const name = scenario.dataset.name;
    if (scenario.open && state.scenario !== name) remember({scenario: name});
    else if (!scenario.open && state.scenario === name) remember({scenario: null});
  });
}
addEventListener('hashchange', follow);
follow();
