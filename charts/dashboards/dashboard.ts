// Dashboards of Grafana as code: panels from a title, a unit and queries, laid out in rows from left to right.
//
// Queries are written short: `{@}` chooses the namespaces and jobs of the dashboard, `{@gateway}` and `{@backend}` also its Gateways or
// backends, and `[@]` is the interval that Grafana chooses for rates.

/** A variable of a dashboard besides namespace and job. */
export type Variable = 'gateway' | 'backend';

/** A panel, or the title of a row. */
export type Panel =
  | { readonly type: 'row'; readonly title: string }
  | {
      readonly type: 'stat' | 'timeseries' | 'table';
      readonly title: string;
      readonly unit: string;
      readonly description: string;
      readonly queries: readonly (readonly [legend: string, expression: string])[];
      readonly colours?: Colours;
      /** Lines add up. */
      readonly isStacked?: boolean;
    };

/** The colour of a number from each value on; the first value is null. */
export type Colours = readonly (readonly [from: number | null, colour: string])[];

/** A dashboard with the name of its file. */
export interface Dashboard {
  readonly name: string;
  readonly json: object;
}

export function row(title: string): Panel {
  return { type: 'row', title };
}

/** One number. */
export function stat(title: string, unit: string, expression: string, description: string, colours: Colours = []): Panel {
  return { type: 'stat', title, unit, description, queries: [['', expression]], colours };
}

/** Lines over time; `{{label}}` in a legend is the value of a label. */
export function graph(title: string, unit: string, queries: readonly (readonly [string, string])[], description: string): Panel {
  return { type: 'timeseries', title, unit, description, queries };
}

/** The same with lines that add up. */
export function stacked(title: string, unit: string, queries: readonly (readonly [string, string])[], description: string): Panel {
  return { type: 'timeseries', title, unit, description, queries, isStacked: true };
}

/** Series as rows. */
export function table(title: string, unit: string, expression: string, description: string): Panel {
  return { type: 'table', title, unit, description, queries: [['', expression]] };
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
/** The columns of a dashboard, and the size of panels in them. */
const COLUMNS = 24;
const SIZES = { stat: { w: 4, h: 4 }, timeseries: { w: 8, h: 8 }, table: { w: 8, h: 8 } } as const;

const SCOPE = 'namespace=~"$namespace",job=~"$job"';
const SOURCES: Readonly<Record<Variable, string>> = { gateway: 'weir_requests_total', backend: 'weir_endpoints' };
const LABELS: Readonly<Record<Variable, string>> = { gateway: 'Gateway', backend: 'Backend' };

/** The JSON of a dashboard. */
export function dashboard(
  name: string,
  title: string,
  description: string,
  variables: readonly Variable[],
  panels: readonly Panel[],
): Dashboard {
  return {
    name,
    json: {
      uid: `weir-${name}`,
      title,
      description,
      tags: ['weir'],
      timezone: 'browser',
      schemaVersion: 39,
      version: 1,
      editable: true,
      refresh: '30s',
      time: { from: 'now-1h', to: 'now' },
      graphTooltip: 1,
      links: [{ title: 'Weir', type: 'dashboards', tags: ['weir'], asDropdown: false, includeVars: true, keepTime: true }],
      templating: {
        list: [
          { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {} },
          variable('namespace', 'Namespace', 'label_values(weir_build_info, namespace)'),
          variable('job', 'Job', 'label_values(weir_build_info{namespace=~"$namespace"}, job)'),
          ...variables.map((each) => variable(each, LABELS[each], `label_values(${SOURCES[each]}{${SCOPE}}, ${each})`)),
        ],
      },
      annotations: { list: [] },
      panels: laidOut(panels),
    },
  };
}

function variable(name: string, label: string, query: string): object {
  return {
    ...{ name, label, type: 'query', datasource: DATASOURCE, query: { query, refId: name }, definition: query, refresh: 2, sort: 1 },
    ...{ multi: true, includeAll: true, allValue: '.*', current: { text: 'All', value: '$__all' } },
  };
}

/** Panels beside each other; one that has no room, and each row, begins a new line. */
function laidOut(panels: readonly Panel[]): readonly object[] {
  let [x, y, height] = [0, 0, 0];
  return panels.map((panel, index) => {
    const { w, h } = panel.type === 'row' ? { w: COLUMNS, h: 1 } : SIZES[panel.type];
    if (x + w > COLUMNS) [x, y, height] = [0, y + height, 0];
    const placed = { id: index + 1, ...panelOf(panel), gridPos: { x, y, w, h } };
    [x, height] = [x + w, Math.max(height, h)];
    return placed;
  });
}

function panelOf(panel: Panel): object {
  if (panel.type === 'row') return { type: 'row', title: panel.title, collapsed: false, panels: [] };
  const { type, title, description, unit, queries, colours = [], isStacked = false } = panel;
  const steps = colours.map(([value, color]) => ({ color, value }));
  return {
    ...{ type, title, description, datasource: DATASOURCE },
    targets: queries.map(([legendFormat, expression], index) => ({
      ...{ refId: String.fromCharCode('A'.charCodeAt(0) + index), datasource: DATASOURCE, expr: expanded(expression), legendFormat },
      ...(type === 'timeseries' ? {} : { instant: true }),
      ...(type === 'table' ? { format: 'table' } : {}),
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(steps.length === 0 ? {} : { thresholds: { mode: 'absolute', steps } }),
        ...(type === 'timeseries' ? linesOf(isStacked) : {}),
      },
      overrides: [],
    },
    options: OPTIONS[type],
  };
}

function linesOf(isStacked: boolean): object {
  const lines = { drawStyle: 'line', showPoints: 'never' };
  const custom = isStacked ? { ...lines, fillOpacity: 30, stacking: { mode: 'normal', group: 'A' } } : { ...lines, fillOpacity: 10 };
  return { min: 0, custom };
}

const OPTIONS = {
  stat: { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value', graphMode: 'none' },
  timeseries: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  table: {},
} as const;

/** The query as Grafana takes it. */
function expanded(expression: string): string {
  return expression
    .replaceAll('[@]', '[$__rate_interval]')
    .replaceAll(/\{@(gateway|backend)?/g, (_match, name?: string) => `{${SCOPE}${name === undefined ? '' : `,${name}=~"$${name}"`}`);
}
