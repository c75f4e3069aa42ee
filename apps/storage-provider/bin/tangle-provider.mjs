#!/usr/bin/env node
// The command `tangle-provider`.
import { launch } from '../../../tools/launch.mjs';

await launch('storage-provider', 'tangle-provider');
