import { O, readable, rmdirAt, S, typeOf, unlinkAt } from "../syscalls/files.ts";
import { entriesOf } from "../syscalls/remove-tree.ts";
import { openInside, openRoot, split, withFd } from "./root.ts";
import { walk } from "./walk.ts";

/** See BuildFiles.removeExcluded. */
export function removeExcluded(root: string, excluded: (path: string) => boolean): void {
  withFd(openRoot(root), (fd) => {
    const folders: string[] = [];
    for (const { dir, name, path, status } of walk(fd)) {
      if (!excluded(readable(path))) continue;
      if (typeOf(status) === S.IFDIR) folders.push(path);
      else unlinkAt(dir, name);
    }
    for (const folder of folders.toReversed()) {
      const { parent, name } = split(folder);
      withFd(openInside(fd, parent, O.RDONLY | O.DIRECTORY), (up) => {
        if (withFd(openInside(fd, folder, O.RDONLY | O.DIRECTORY), entriesOf).length === 0) rmdirAt(up, name);
      });
    }
  });
}
