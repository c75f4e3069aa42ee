/**
 * Prints ops/grafana/tangle-node.json: `node tools/dashboard/main.ts > ops/grafana/tangle-node.json`.
 * A test compares the file with it. Before: render.ts.
 */
import { renderDashboard } from './render.ts';

process.stdout.write(renderDashboard());
