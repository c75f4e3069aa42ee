/**
 * The JSON of the Grafana dashboard from the table in panels.ts: places, identities and the choice
 * of instances. Before: panels.ts; after: main.ts, test/ops. Spec: docs/operating.md, "Monitoring".
 */
import { ROWS, type Panel } from './panels.ts';

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const INSTANCE = 'instance=~"$instance"';
const GRID = 24;
const SIZES = { stat: { w: 4, h: 4 }, timeseries: { w: 8, h: 7 } } as const;

/** The dashboard as Grafana imports it, with a line end. */
export function renderDashboard(): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of ROWS) {
    const place = { x: 0, y, w: GRID, h: 1 };
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, gridPos: place });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      const { w, h } = SIZES[typeOf(panel)];
      if (x + w > GRID) [x, y, height] = [0, y + height, 0];
      panels.push(panelOf(panel, panels.length + 1, { x, y, w, h }));
      [x, height] = [x + w, Math.max(height, h)];
    }
    y += height;
  }
  return `${JSON.stringify(dashboardOf(panels), undefined, 2)}\n`;
}

function typeOf({ stat }: Panel): 'stat' | 'timeseries' {
  return stat === true ? 'stat' : 'timeseries';
}

function panelOf(panel: Panel, id: number, gridPos: object): object {
  const { title, unit, queries } = panel;
  const steps = stepsOf(panel);
  return {
    id,
    type: typeOf(panel),
    title,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: {
      defaults: { unit, ...(steps === undefined ? {} : { thresholds: steps }) },
      overrides: [],
    },
    targets: queries.map(([expression, legendFormat], at) => ({
      refId: String.fromCodePoint(65 + at),
      datasource: DATASOURCE,
      expr: expression.replaceAll('$node', INSTANCE),
      legendFormat,
    })),
  };
}

function stepsOf({ redFrom, redBelow }: Panel): object | undefined {
  if (redFrom !== undefined) {
    return { mode: 'absolute', steps: [step('green', null), step('red', redFrom)] };
  }
  if (redBelow === undefined) return undefined;
  return { mode: 'absolute', steps: [step('red', null), step('green', redBelow)] };
}

function step(color: string, value: number | null): object {
  return { color, value };
}

function dashboardOf(panels: readonly object[]): object {
  return {
    uid: 'tangle-node',
    title: 'Tangle node',
    tags: ['tangle'],
    schemaVersion: 39,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        {
          name: 'instance',
          label: 'Node',
          type: 'query',
          datasource: DATASOURCE,
          query: 'label_values(tangle_healthy, instance)',
          refresh: 2,
          multi: true,
          includeAll: true,
        },
      ],
    },
    panels,
  };
}
