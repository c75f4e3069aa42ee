#!/usr/bin/env node
// The command `tangle-node`.
import { launch } from '../../../tools/launch.mjs';

await launch('node', 'tangle-node');
