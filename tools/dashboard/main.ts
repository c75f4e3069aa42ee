/**
 * Prints ops/grafana/tangle-node.json; a test compares the file with it. Before: render.ts.
 *
 *   node tools/dashboard/main.ts > ops/grafana/tangle-node.json
 */
import { renderDashboard } from './render.ts';

process.stdout.write(renderDashboard());
