import type {Readable} from 'node:stream';
import {createGunzip, createZstdDecompress} from 'node:zlib';
import {compareRpmVersions} from '../../../../policies/rpm-version.ts';
import {compareVersions} from '../../../../policies/version.ts';
import type {Host} from '../../host.ts';

/** An installed kernel. `release` is what `uname -r` would say; `build` begins with `#`, null when it was not found. */
export type InstalledKernel = {release: string; build: string | null; path: string; problem: string | null};

const headBytes = 64 * 1024;
const maxImageBytes = 128 * 1024 * 1024;
const maxUnpackedBytes = 256 * 1024 * 1024;
const maxKernels = 64;

/**
 * The kernels in /boot and /usr/lib/modules. Their release is read from the image itself where it says, since a file
 * may be named as one likes; else it is the name's. Fails when a folder cannot be listed.
 */
export async function readInstalledKernels(host: Host): Promise<InstalledKernel[] | {reason: string}> {
  const found = new Map<string, string>();
  const boot = await host.fs.list('/boot');
  if (!boot.ok && boot.code !== 'absent') return {reason: boot.reason};
  for (const name of boot.ok ? boot.value.names : []) {
    const release = /^(?:vmlinuz|vmlinux|image)-(\d[^\s/]*)$/.exec(name)?.[1];
    const rescue = release?.startsWith('0-rescue');
    if (release !== undefined && !rescue && !/\.(?:bak|old|sig|hmac)$/.test(release))
      found.set(release, `/boot/${name}`);
  }
  for (const directory of ['/usr/lib/modules', '/lib/modules']) {
    const modules = await host.fs.list(directory);
    if (!modules.ok && modules.code !== 'absent') return {reason: modules.reason};
    for (const name of modules.ok ? modules.value.names : []) {
      const path = `${directory}/${name}/vmlinuz`;
      if (/^\d/.test(name) && !found.has(name) && (await host.fs.lstat(path)).ok) found.set(name, path);
    }
  }
  if (found.size > maxKernels) return {reason: `cannot tell the newest kernel: more than ${maxKernels} are installed`};
  return Promise.all([...found].map(([release, path]) => readKernel(host, release, path)));
}

async function readKernel(host: Host, named: string, path: string): Promise<InstalledKernel> {
  const head = await host.fs.readFile(path, {maxBytes: headBytes});
  if (!head.ok) return {release: named, build: null, path, problem: head.reason};
  const text = x86Version(head.value.bytes) ?? (await bannerVersion(host, path));
  const match = text === null ? null : /^(\S+) .*?(#\d.*)$/s.exec(text);
  if (match === null) return {release: named, build: null, path, problem: `${path} does not say which build it is`};
  return {release: match[1] as string, build: (match[2] as string).trim(), path, problem: null};
}

/** The version text of the x86 boot header; the offset at 0x20e counts from 0x200. Source: the kernel's x86/boot.rst. */
export function x86Version(image: Buffer): string | null {
  if (image.length < 0x210 || image.toString('latin1', 0x202, 0x206) !== 'HdrS') return null;
  const start = image.readUInt16LE(0x20e) + 0x200;
  const end = image.indexOf(0, start);
  return start === 0x200 || end < 0 || end - start > 512 ? null : image.toString('latin1', start, end);
}

const banner = Buffer.from('Linux version ');

/** Images of other machines hold the banner of /proc/version, plain, gzipped, or packed as an EFI zboot image. */
async function bannerVersion(host: Host, path: string): Promise<string | null> {
  const file = await host.fs.readFile(path, {maxBytes: maxImageBytes});
  if (!file.ok || file.value.truncated) return null;
  const image = await unpackImage(file.value.bytes);
  // The first occurrence may be the format string, in which a percent sign follows.
  for (let at = image?.indexOf(banner) ?? -1; image !== null && at >= 0; at = image.indexOf(banner, at + 1)) {
    const text = image.toString('latin1', at + banner.length, at + banner.length + 512).split(/[\0\n]/)[0] as string;
    if (/^\d\S* \(/.test(text)) return text;
  }
  return null;
}

async function unpackImage(image: Buffer): Promise<Buffer | null> {
  if (image.length > 64 && image.toString('latin1', 4, 8) === 'zimg') {
    const [offset, size] = [image.readUInt32LE(8), image.readUInt32LE(12)];
    const packed = image.subarray(offset, offset + size);
    const type = image.toString('latin1', 24, 32).split('\0')[0];
    if (type === 'gzip') return unpack(createGunzip(), packed);
    return type === 'zstd' ? unpack(createZstdDecompress(), packed) : null;
  }
  return image[0] === 0x1f && image[1] === 0x8b ? unpack(createGunzip(), image) : image;
}

/** Null when it is damaged before its end or too large. What trails the packed data does not matter. */
async function unpack(stream: Readable & NodeJS.WritableStream, packed: Buffer): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  let total = 0;
  try {
    stream.end(packed);
    for await (const piece of stream) {
      pieces.push(piece as Buffer);
      total += (piece as Buffer).length;
      if (total > maxUnpackedBytes) return null;
    }
  } catch {
    return null;
  }
  return Buffer.concat(pieces);
}

/** The build text of /proc/version, from its `#` on: proc_version(5). */
export function buildOf(version: string): string | null {
  return /.*\)\s+(#\d.*)$/s.exec(version.trim())?.[1] ?? null;
}

const rpmRelease = /\.(?:x86_64|aarch64|ppc64le|s390x|i686)(\+\S+)?$/;

/**
 * What a kernel is a kind of: only kernels of one flavour follow one another. `6.1.0-42-cloud-amd64` → `cloud-amd64`;
 * `5.14.0-427.el9.x86_64+rt` → `x86_64+rt`; Oracle's UEK is apart from the kernel that comes with it.
 */
export function flavourOf(release: string): string {
  const rpm = rpmRelease.exec(release);
  if (rpm !== null) return `${rpm[0].slice(1)}${/uek/.test(release) ? ' uek' : ''}`;
  return release.replace(/^\d[^-]*(?:-\d[^-]*)?-?/, '');
}

export function compareReleases(a: string, b: string): number {
  return rpmRelease.test(a) && rpmRelease.test(b) ? compareRpmVersions(a, b) : compareVersions(a, b);
}
