#!/usr/bin/env node
// The command `tanglemail`.
import { launch } from '../../../tools/launch.mjs';

await launch('client', 'tanglemail');
