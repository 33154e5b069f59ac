// Runs docs/guides/websocket-topics.md as written.
import { describeGuide } from '../support/guide.ts';

describeGuide('websocket-topics.md', ['curl']);
