// The program protoc for guides: that of test/protobuf/peer, which has the files of googleapis.
import { existsSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { PROTOBUF_PEER } from '../protobuf/protobuf-peer.ts';
import { buildGoTool } from '../support/go-tool.ts';

/** The folder with `protoc`, built if need be. */
export function protocFolder(): string {
  buildGoTool(PROTOBUF_PEER);
  const { folder, name } = PROTOBUF_PEER;
  const compiler = path.join(folder, 'protoc');
  if (!existsSync(compiler)) symlinkSync(name, compiler);
  return folder;
}
