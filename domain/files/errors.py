"""Why something about files is refused."""

from domain.base.errors import ErrorCode, Refusal


class AttachmentNotReady(Refusal):
    """The file is not there whole, is attached to something else, or is somebody else's: all answer alike."""

    code = ErrorCode.ATTACHMENT_NOT_READY

    def __init__(self, place: int) -> None:
        """Say what to do."""
        text = "You have no file with this id to attach: send its bytes first, and attach it once."
        super().__init__(text, field=("attachment_ids", place))


class UploadRefused(Exception):  # noqa: N818  an answer, not a fault of the program
    """What was sent is not the file that was announced."""
