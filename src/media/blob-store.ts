import { mkdir, open, opendir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** Where sealed blobs lie. It never sees their keys, so it may be a disk or a service that nobody has to trust. */
export interface BlobStore {
  /** Durable when the promise resolves; when it rejects nothing is left of the attempt. Reads no faster than it writes. */
  put(name: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Rejects when there is no such blob. */
  open(name: string): Promise<SealedBlob>;
  delete(name: string): Promise<void>;
  /** All there is, what a crash left half-written included. */
  list(): AsyncIterable<StoredBlob>;
}

/** A blob that was opened, to be read from its beginning to its end. */
export interface SealedBlob {
  /** Fills this memory with the bytes that follow, or as much of it as they do: less is the end. */
  read(into: Uint8Array): Promise<number>;
  /** Closing once more does nothing. */
  close(): Promise<void>;
}

export interface StoredBlob {
  readonly name: string;
  readonly writtenTs: number;
}

const NAME = /^[A-Za-z0-9_-]{8,128}$/;
const PART = '.part';
const OWNER_ONLY = { file: 0o600, folder: 0o700 };

/** Blobs as files of one directory, in sub-folders by the first two characters of their names. */
export async function directoryStore(root: string): Promise<BlobStore> {
  await mkdir(root, { recursive: true, mode: OWNER_ONLY.folder });
  return {
    put: (name, content) => putFile(root, name, content),
    open: async (name) => openFile(await open(fileOf(root, name), 'r')),
    delete: async (name) => {
      await rm(fileOf(root, name), { force: true });
      await rm(fileOf(root, name) + PART, { force: true });
    },
    list: () => listFiles(root),
  };
}

function openFile(file: FileHandle): SealedBlob {
  return {
    read: async (into) => {
      let filled = 0;
      // Some file systems give less than was asked for long before the end.
      for (let read = 1; read > 0 && filled < into.length; filled += read) read = (await file.read(into, filled)).bytesRead;
      return filled;
    },
    close: () => file.close(),
  };
}

async function putFile(root: string, name: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const path = fileOf(root, name);
  const folder = join(path, '..');
  const isNewFolder = (await mkdir(folder, { recursive: true, mode: OWNER_ONLY.folder })) !== undefined;
  try {
    await writeDurably(path + PART, content);
    await rename(path + PART, path);
  } catch (cause) {
    await rm(path + PART, { force: true });
    throw cause;
  }
  // The name is durable only when its folder is, and the folder only when its own folder is.
  await syncFolder(folder);
  if (isNewFolder) await syncFolder(root);
}

async function writeDurably(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', OWNER_ONLY.file);
  try {
    for await (const chunk of content) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function* listFiles(root: string): AsyncGenerator<StoredBlob> {
  for await (const folder of await opendir(root)) {
    if (!folder.isDirectory()) continue;
    for await (const file of await opendir(join(root, folder.name))) {
      const name = file.name.endsWith(PART) ? file.name.slice(0, -PART.length) : file.name;
      if (!NAME.test(name)) continue;
      const written = await statOrGone(join(root, folder.name, file.name));
      if (written !== undefined) yield { name, writtenTs: written };
    }
  }
}

async function statOrGone(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (cause) {
    // An upload that ended between the listing and the look has renamed its file.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

function fileOf(root: string, name: string): string {
  if (!NAME.test(name)) throw new Error('a blob name with characters that no media id has');
  return join(root, name.slice(0, 2), name);
}
