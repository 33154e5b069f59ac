// Files of the control groups of this process, for the limits and the use of a container.
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The mount point of control groups. */
const CGROUP_ROOT = '/sys/fs/cgroup';
const OWN_CGROUP = '/proc/self/cgroup';

/** Where the files are; tests have their own. */
export interface CgroupPlace {
  readonly root?: string;
  readonly own?: string;
}

/** The folder of a control group. */
export interface CgroupFolder {
  readonly version: 1 | 2;
  readonly path: string;
}

/** The folders of the group of this process for a controller, such as `cpu`, and of all its parents, whose limits apply too. */
export function cgroupFolders(controller: string, { root = CGROUP_ROOT, own = OWN_CGROUP }: CgroupPlace = {}): CgroupFolder[] {
  return groupsOf(readCgroup(own), controller).flatMap(({ version, path: group }) => {
    const base = version === 2 ? root : path.join(root, controller);
    const folders: CgroupFolder[] = [];
    for (let folder = path.join(base, group); folder.startsWith(base); folder = path.dirname(folder))
      folders.push({ version, path: folder });
    return folders;
  });
}

/** The text of a file; '' if it does not exist: not Linux, or not mounted. */
export function readCgroup(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Lines are `id:controllers:path` (cgroups(7)); version 2 has no controllers. Inside a container the path is often just `/`. */
function groupsOf(text: string, controller: string): CgroupFolder[] {
  return text.split('\n').flatMap((line): CgroupFolder[] => {
    const [, controllers, ...rest] = line.split(':');
    if (controllers === '') return [{ version: 2, path: rest.join(':') }];
    return controllers?.split(',').includes(controller) === true ? [{ version: 1, path: rest.join(':') }] : [];
  });
}
