// Runs docs/guides/openapi.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('openapi.md', ['curl']);
