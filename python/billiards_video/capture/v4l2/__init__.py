"""Cameras as Linux itself has them: V4L2 through its ioctls, without OpenCV.

OpenCV's own V4L2 says of a failure that it failed; the kernel says why. It waits for whole seconds that are set for the
whole process, gives out frames that the driver marked as damaged, keeps none of the driver's words about a setting, and
cannot be called off while it waits. What is needed instead is a dozen ioctls, each in the room it belongs to:

    abi         the kernel's structures, numbers and names
    node        an open device: one ioctl, with its errors as Python has them
    cameras     which devices there are, what they are called, which one is meant
    holders     who has a device open
    formats     what sizes, rates and pixel formats a device offers, and which to take
    controls    exposure, gain, focus, ...: asked for, and read back
    queue       the buffers that frames come in
    jpeg        whether a JPEG is whole
    pixels      a buffer's bytes as BGR24

Of the libraries that have all this ready, the one that is maintained (linuxpy) is under the GPL, which this is not.
"""
