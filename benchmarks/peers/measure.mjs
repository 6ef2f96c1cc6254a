// measure.py for Node.js: the same job in, the same result out.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const FACES = 64;
const WARM = 3;

// Packages of the environment that the process was started in; this file lies elsewhere.
export const require = createRequire(`${process.cwd()}/package.json`);
export const modules = `${process.cwd()}/node_modules`;

const sharp = require('sharp');
sharp.concurrency(1);

// Decode a photo to RGB bytes; Node.js itself cannot.
export async function decode(photo) {
  const { data, info } = await sharp(photo).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), height: info.height, width: info.width };
}

async function timed(work) {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  const value = await work();
  const wallMs = performance.now() - wall;
  const spent = process.cpuUsage(cpu);
  return { value, cpu_ms: (spent.user + spent.system) / 1000, wall_ms: wallMs };
}

async function read(library, photo) {
  const { value, cpu_ms, wall_ms } = await timed(() => library.read(photo));
  const [largest] = value.sort((one, other) => other.area - one.area);
  return { faces: value.length, read: largest ? largest.probabilities : null, cpu_ms, wall_ms };
}

async function classified(library, calls) {
  await library.classify(calls[0]);
  const { cpu_ms, wall_ms } = await timed(async () => {
    for (const faces of calls) await library.classify(faces);
  });
  const count = calls.flat().length;
  return { cpu_ms: cpu_ms / count, wall_ms: wall_ms / count };
}

async function classifier(library, photos) {
  const cut = [];
  for (const photo of photos.slice(0, FACES)) {
    const face = await library.face(photo);
    if (face) cut.push(face);
  }
  if (cut.length === 0) return { single: null, batch: null };
  const faces = Array.from({ length: FACES }, (_, index) => cut[index % cut.length]);
  return {
    single: await classified(library, faces.map((face) => [face])),
    batch: library.batches ? await classified(library, [faces]) : null,
  };
}

function peakMb() {
  const line = readFileSync('/proc/self/status', 'ascii').split('\n').find((text) => text.startsWith('VmHWM:'));
  return (Number(line.split(/\s+/)[1]) * 1024) / 1e6;
}

export async function measure(load, packages) {
  const job = JSON.parse(readFileSync(0, 'utf8'));
  console.log = console.error; // what libraries print goes elsewhere
  const library = await load(job.variant);
  await library.read(job.photos[0]);
  const usage = process.cpuUsage();
  const cold = { cpu_s: (usage.user + usage.system) / 1e6, wall_s: Date.now() / 1000 - job.started };
  for (const photo of job.photos.slice(1, 1 + WARM)) await library.read(photo);
  const photos = [];
  for (const photo of job.photos) photos.push(await read(library, photo));
  const result = {
    versions: Object.fromEntries(packages.map((name) => [
      name, JSON.parse(readFileSync(`${modules}/${name}/package.json`, 'utf8')).version,
    ])),
    cold,
    photos,
    peak_mb: peakMb(),
    classifier: await classifier(library, job.photos),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
