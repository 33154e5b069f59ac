// Shows the document of the admin API. All texts are set as text, so that none of them can become markup.

function element(name, attributes, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

function json(value) {
  return element('pre', {}, JSON.stringify(value, null, 2));
}

function section(title, content) {
  return [element('h4', {}, title), content];
}

/** The parameter itself, if it is a reference to one. */
function resolved(parameter, api) {
  const name = parameter.$ref?.split('/').at(-1);
  return name === undefined ? parameter : api.components.parameters[name];
}

function parameterTable(parameters, api) {
  const rows = parameters.map((each) => {
    const { name, in: place, required, schema, description = schema.description ?? '' } = resolved(each, api);
    return element('tr', {}, ...[name, place, required ? 'required' : '', description].map((text) => element('td', {}, text)));
  });
  return element('table', {}, ...rows);
}

function responseTable(responses) {
  const rows = Object.entries(responses).map(([status, { description }]) =>
    element('tr', {}, element('td', {}, status), element('td', {}, description)),
  );
  return element('table', {}, ...rows);
}

function details(operation, api) {
  const { description, parameters = [], requestBody, responses } = operation;
  const body = requestBody?.content['application/json'];
  const answers = Object.entries(responses).flatMap(([status, { content = {} }]) => (status < '300' ? Object.values(content) : []));
  return [
    ...(description === undefined ? [] : [element('p', {}, description)]),
    ...(parameters.length === 0 ? [] : section('Parameters', parameterTable(parameters, api))),
    ...(body === undefined ? [] : [...section('Body, an example', json(body.example)), ...section('Body, its schema', json(body.schema))]),
    ...section('Answers', responseTable(responses)),
    ...answers.flatMap(({ example, schema }) => [
      ...(example === undefined ? [] : section('Answer, an example', json(example))),
      ...section('Answer, its schema', json(schema)),
    ]),
  ];
}

function shown(method, path, operation, api) {
  const { operationId, summary, security } = operation;
  const needs = security.length === 0 ? 'no credentials' : (operation['x-permission'] ?? 'any caller with credentials');
  const head = element(
    'summary',
    {},
    element('span', { className: 'method' }, method.toUpperCase()),
    element('code', {}, path),
    ` ${summary} `,
    element('span', { className: 'permission' }, `(${needs})`),
  );
  const made = element('details', { id: operationId }, head);
  // Hundreds of operations with their schemas are made when they are opened.
  made.addEventListener('toggle', () => made.childElementCount > 1 || made.append(...details(operation, api)));
  made.dataset.text = `${path} ${operationId} ${summary} ${needs}`.toLowerCase();
  return made;
}

function filter(text) {
  for (const each of document.querySelectorAll('details')) each.hidden = !each.dataset.text.includes(text.toLowerCase());
  for (const each of document.querySelectorAll('section')) each.hidden = each.querySelector('details:not([hidden])') === null;
}

async function show() {
  const answer = await fetch('openapi.json');
  if (!answer.ok) throw new Error(`the document cannot be read: ${answer.status}`);
  const api = await answer.json();
  document.querySelector('#version').textContent = api.info.version;
  document.querySelector('#about').textContent = api.info.description;
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path: api.servers[0].url + path, operation })),
  );
  const sections = api.tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    const list = own.map(({ method, path, operation }) => shown(method, path, operation, api));
    return element('section', {}, element('h2', {}, name), element('p', {}, description), ...list);
  });
  document.querySelector('#operations').replaceChildren(...sections);
  document.querySelector('#find').addEventListener('input', ({ target }) => filter(target.value));
}

show().catch((error) => {
  document.querySelector('#state').textContent = String(error.message);
});
