// Runs docs/guides/external-authorization.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('external-authorization.md', ['curl']);
