// Runs docs/guides/grpc-messages.md as written.
import { buildGoTool } from '../support/go-tool.ts';
import { describeGuide } from '../support/guide.ts';
import { GRPCURL } from './grpcurl.ts';
import { protocFolder } from './protoc.ts';

describeGuide('grpc-messages.md', ['go'], {
  env: () => {
    buildGoTool(GRPCURL);
    return { PATH: `${protocFolder()}:${GRPCURL.folder}:${process.env['PATH'] ?? ''}` };
  },
});
