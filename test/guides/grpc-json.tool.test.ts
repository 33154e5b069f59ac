// Runs docs/guides/grpc-json.md as written.
import { describeGuide } from '../support/guide.ts';
import { protocFolder } from './protoc.ts';

describeGuide('grpc-json.md', ['curl', 'go'], { env: () => ({ PATH: `${protocFolder()}:${process.env['PATH'] ?? ''}` }) });
