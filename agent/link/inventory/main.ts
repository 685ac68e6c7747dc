import {collect} from './collect.ts';

process.stdout.write(JSON.stringify(await collect()));
