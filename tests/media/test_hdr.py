"""HDR films (PQ, HLG) have the brightness of sRGB, as a player shows them."""

import io

import numpy as np
import pytest

from degan.media.hdr import to_sdr
from degan.media.video import play

av = pytest.importorskip("av")

PQ, HLG, BT709 = 16, 18, 1
# Signal of a grey card (26 cd/m2) and of white paper (203 cd/m2), ITU-R BT.2408. In sRGB, the card
# has 26 / 203 of the light of white; white leaves room for highlights.
GREY = {PQ: 0.38, HLG: 0.38}
WHITE = {PQ: 0.58, HLG: 0.75}


def shown(signal, transfer):
    """The grey value of a film of one grey, 10 bits, in BT.2020."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        codec = stream.codec_context
        codec.colorspace, codec.color_range = 9, 1
        codec.color_primaries, codec.color_trc = 9, transfer
        grey = np.full((48, 64, 3), round(65535 * signal), np.uint16)
        frame = av.VideoFrame.from_ndarray(grey, format="rgb48le")
        frame = frame.reformat(format="yuv420p10le", dst_colorspace="BT2020", dst_color_range=1)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with play(buffer.getvalue(), "v") as playing:
        return float(next(playing.frames()).image.mean())


@pytest.mark.parametrize("transfer", [PQ, HLG], ids=["PQ", "HLG"])
def test_a_grey_card_and_white_paper_are_grey_and_white(transfer):
    assert shown(GREY[transfer], transfer) == pytest.approx(99, abs=4)
    assert 225 <= shown(WHITE[transfer], transfer) <= 250
    assert shown(0.0, transfer) <= 2
    assert shown(1.0, transfer) == pytest.approx(255, abs=2)


def test_other_films_stay_as_they_are():
    assert shown(0.38, BT709) == pytest.approx(0.38 * 255, abs=3)
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert to_sdr(image, BT709) is image


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_brighter_stays_brighter(transfer):
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    assert (np.diff(to_sdr(ramp, transfer)[0, :, 0].astype(int)) >= 0).all()
