// @vladmandic/face-api: detectAllFaces(photo).withFaceExpressions(), by TensorFlow.js in
// WebAssembly. Faces are cut out by the boxes found. Variants: "ssd", and "tiny" with the side of
// the detector's input.
import { decode, measure, modules, require } from './measure.mjs';

const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const { nets, tf } = faceapi;

async function load(variant) {
  wasm.setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const [kind, side] = variant.split(' ');
  const options = kind === 'ssd'
    ? new faceapi.SsdMobilenetv1Options()
    : new faceapi.TinyFaceDetectorOptions({ inputSize: Number(side) });
  for (const net of [kind === 'ssd' ? nets.ssdMobilenetv1 : nets.tinyFaceDetector, nets.faceExpressionNet]) {
    await net.loadFromDisk(`${modules}/@vladmandic/face-api/model`);
  }

  async function tensorOf(photo) {
    const { data, height, width } = await decode(photo);
    return tf.tensor3d(data, [height, width, 3], 'int32');
  }

  return {
    batches: true,
    async read(photo) {
      const tensor = await tensorOf(photo);
      const faces = await faceapi.detectAllFaces(tensor, options).withFaceExpressions();
      tensor.dispose();
      return faces.map((face) => ({ area: face.detection.box.area, probabilities: { ...face.expressions } }));
    },
    async face(photo) {
      const tensor = await tensorOf(photo);
      const found = await faceapi.detectAllFaces(tensor, options);
      const [largest] = found.sort((one, other) => other.box.area - one.box.area);
      const [cut] = largest ? await faceapi.extractFaceTensors(tensor, [largest]) : [];
      tensor.dispose();
      return cut;
    },
    async classify(faces) {
      await nets.faceExpressionNet.predictExpressions(faces);
    },
  };
}

await measure(load, ['@vladmandic/face-api', '@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm', 'sharp']);
