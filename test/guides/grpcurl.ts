// grpcurl, the client that the gRPC guide uses.
import { moduleTool } from '../support/go-tool.ts';

export const GRPCURL = moduleTool('grpcurl', '1.9.4', ['github.com/fullstorydev/grpcurl/cmd/grpcurl']);
