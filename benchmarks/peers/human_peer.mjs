// @vladmandic/human: human.detect(photo), by TensorFlow.js in WebAssembly, with all but finding
// faces and reading emotions turned off, and no result kept from one photo to the next. It has no
// call for a face alone: the network is given what human gives it, 64 x 64 pixels of grey.
import { readFileSync } from 'node:fs';
import { decode, measure, modules, require } from './measure.mjs';

// The package exports no such file by name for require.
const { Human } = require(`${modules}/@vladmandic/human/dist/human.node-wasm.js`);
const wasm = require('@tensorflow/tfjs-backend-wasm');

const OFF = { enabled: false };
const FRESH = { skipTime: 0, skipFrames: 0 };
const GREY = [0.2989, 0.587, 0.114]; // human's own weights

// TensorFlow.js loads models over HTTP; this reads them from disk.
function fromDisk(url) {
  if (typeof url !== 'string' || !url.startsWith('file://')) return null;
  const path = new URL(url);
  return {
    async load() {
      const { weightsManifest, ...model } = JSON.parse(readFileSync(path, 'utf8'));
      const files = weightsManifest.flatMap((group) => group.paths.map((name) => readFileSync(new URL(name, path))));
      const bytes = Uint8Array.from(Buffer.concat(files));
      return { ...model, weightSpecs: weightsManifest.flatMap((group) => group.weights), weightData: bytes.buffer };
    },
  };
}

async function load() {
  wasm.setThreadsCount(1);
  const human = new Human({
    backend: 'wasm',
    async: false,
    cacheSensitivity: 0,
    modelBasePath: `file://${modules}/@vladmandic/human/models/`,
    wasmPath: `${modules}/@tensorflow/tfjs-backend-wasm/dist/`,
    filter: OFF,
    body: OFF,
    hand: OFF,
    object: OFF,
    gesture: OFF,
    segmentation: OFF,
    face: {
      detector: { rotation: false, return: true, ...FRESH },
      mesh: OFF,
      iris: OFF,
      description: OFF,
      antispoof: OFF,
      liveness: OFF,
      emotion: { enabled: true, minConfidence: 0, ...FRESH },
    },
  });
  const { tf } = human;
  tf.io.registerLoadRouter(fromDisk);
  await human.load();

  async function detect(photo) {
    const { data, height, width } = await decode(photo);
    const tensor = tf.tensor(data, [1, height, width, 3], 'int32');
    const result = await human.detect(tensor);
    tensor.dispose();
    if (result.error) throw new Error(result.error);
    return result.face;
  }

  return {
    batches: true,
    async read(photo) {
      const faces = await detect(photo);
      tf.dispose(faces.map((face) => face.tensor));
      return faces.map((face) => ({
        area: face.box[2] * face.box[3],
        probabilities: Object.fromEntries(face.emotion.map(({ emotion, score }) => [emotion, score])),
      }));
    },
    async face(photo) {
      const [face] = await detect(photo);
      return face && face.tensor;
    },
    async classify(faces) {
      const shares = tf.tidy(() => {
        const small = tf.concat(faces.map((face) => tf.image.resizeBilinear(tf.expandDims(face, 0), [64, 64])));
        const grey = tf.sum(tf.mul(small, GREY), 3, true);
        return human.models.models.emotion.execute(tf.mul(tf.sub(grey, 0.5), 2));
      });
      await shares.data();
      shares.dispose();
    },
  };
}

await measure(load, ['@vladmandic/human', '@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm', 'sharp']);
