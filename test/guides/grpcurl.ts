// grpcurl, the client that the guide of gRPC types.
import { moduleTool } from '../support/go-tool.ts';

export const GRPCURL = moduleTool('grpcurl', '1.9.4', ['github.com/fullstorydev/grpcurl/cmd/grpcurl']);
