// The processor of docs/guides/external-processor.md, built once per source.
import path from 'node:path';
import { sourceTool } from '../support/go-tool.ts';

export const MASK = sourceTool('mask', path.join(import.meta.dirname, '..', '..', 'examples', 'processor'));
