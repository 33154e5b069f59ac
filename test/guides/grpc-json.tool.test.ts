// Runs docs/guides/grpc-json.md as written. The compiler of .proto files is that of test/protobuf/peer, which has the files of googleapis.
import { existsSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { PROTOBUF_PEER } from '../protobuf/protobuf-peer.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { describeGuide } from '../support/guide.ts';

describeGuide('grpc-json.md', ['curl', 'go'], {
  env: () => {
    buildGoTool(PROTOBUF_PEER);
    const { folder, name } = PROTOBUF_PEER;
    const compiler = path.join(folder, 'protoc');
    if (!existsSync(compiler)) symlinkSync(name, compiler);
    return { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  },
});
