// What is inside an opened scenario.
function fill(scenario) {
  const view = scenario.querySelector('.view');
  if (view.childElementCount || scenario.dataset.bare !== undefined) return;
  const data = opened(`d${scenario.id.slice(1)}`), room = view.clientWidth;
  view.append(...[
    data.findings.map(([kind, sentence]) => element('p', {class: 'trouble'}, element('b', {}, `${kind}: `), sentence)),
    data.deviations.map(([because, source]) => element('p', {}, element('b', {}, 'known deviation: '), because, ' (', linked(source), ')')),
    stepsOf(data, room), policiesOf(data), worldOf(data), factsOf(data),
  ].flat(9).filter(Boolean));
}

// A source that is no address on the web stays a text.
const linked = (source) => /^https?:\/\//.test(source) ? element('a', {href: source, rel: 'noreferrer noopener'}, source) : source;

function stepsOf(data, room) {
  const counts = data.steps.map((step) => Math.max(step.found, step.trouble.length)), worst = counts.findIndex((count, number) => count && number), last = Math.min(1, data.steps.length - 1);
  const chosen = worst > 0 ? worst : counts[0] ? 0 : last;
  if (!data.steps.length) return null;
  const titles = data.steps.map((step, number) => [element('span', {title: step.action}, element('span', {class: 'step-number'}, step.number), ` ${step.number ? shortened(step.action, 52) : 'baseline'}`), [' ', counts[number] ? element('b', {class: 'bad'}, `✗ ${counts[number].toLocaleString('en')}`) : element('span', {class: 'fine', 'aria-label': 'as expected'}, '✓')]]);
  return element('section', {class: 'steps', 'aria-label': 'Steps'}, tabs('Steps', titles, chosen, (number) => stepOf(data, data.steps[number], room)));
}

const shortened = (words, most) => words.length > most ? `${words.slice(0, most - 1)}…` : words;

function policiesOf(data) {
  if (!data.policies.length) return null;
  const where = (key) => {
    const steps = data.steps.filter((step) => step.policies.includes(key)).map((step) => step.number);
    return steps.length ? `in force in step ${steps.join(', ')}` : 'never in force';
  };
  return element('details', {class: 'more', open: data.policies.length <= 3}, element('summary', {}, `Policies as applied (${data.policies.length})`),
    element('div', {class: 'policies'}, data.policies.map(([key, yaml]) => element('figure', {}, element('figcaption', {}, element('strong', {}, text(key)), element('span', {class: 'muted small'}, ` ${where(key)}`)),
      element('pre', {tabindex: 0, 'aria-label': `policy ${text(key)}`}, text(yaml).split('\n').map(yamlLine))))));
}

function yamlLine(line) {
  const [whole, indent, key] = line.match(/^(\s*(?:- )*)([\w./"-]+:)(?= |$)/) ?? [];
  return whole ? [indent, element('span', {class: 'key'}, key), line.slice(whole.length), '\n'] : [line, '\n'];
}

function worldOf(data) {
  if (!data.world) return null;
  const rows = [...data.world.pods.map(([ref, identity, labels, addresses, node, serves, isHost]) => [ref, labels, serves, addresses, isHost ? `${node} (in its network)` : node]),
    ...data.world.hosts.map(([ref, addresses, serves]) => [ref, '', serves, addresses, 'outside the cluster']), ...data.world.doors.map(([ref, addresses]) => [ref, '', '', addresses, 'door'])];
  return element('details', {class: 'more'}, element('summary', {}, `Who is there (${rows.length + data.world.missing})`),
    data.world.missing > 0 && element('p', {class: 'muted'}, `${counted(data.world.missing, 'more place')} left out here: record.json has them.`),
    element('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Who is there'}, tableOf(['who', 'labels', 'serves', 'addresses', 'node'], rows)),
    element('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Namespaces'}, tableOf(['namespace', 'real name', 'labels'], data.world.namespaces)));
}

function tableOf(heads, rows) {
  return element('table', {class: 'plain small'}, element('caption', {class: 'hidden-text'}, heads.join(', ')), element('thead', {}, element('tr', {}, heads.map((head) => element('th', {scope: 'col'}, head)))),
    element('tbody', {}, rows.map(([first, ...rest]) => element('tr', {}, element('th', {scope: 'row'}, first), rest.map((each) => element('td', {}, each))))));
}

function factsOf(data) {
  return element('details', {class: 'more'}, element('summary', {}, 'About this scenario'), element('dl', {class: 'facts'}, data.facts.map(([label, fact]) => [element('dt', {}, label), element('dd', {}, fact)])));
}
