#!/usr/bin/env node
import { run } from './cli/run.js';
import { processTerminal } from './cli/terminal.js';

// Not left to an empty event loop: what failed half-way through its start may still hold one open.
process.exit(await run(process.argv.slice(2), processTerminal));
