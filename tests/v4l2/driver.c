// A V4L2 driver in user space: what an ioctl of the kernel's would do, done to the process that this library is loaded
// into (LD_PRELOAD). The device is an ordinary file; beside it lies another, of the same name and ".knobs", which is a
// `struct camera`: the test maps that too, and turns the camera's knobs while it streams. See v4l2_camera.py, which has
// the same structure.
//
// What is imitated is what a user of the kernel's interface sees: buffers are filled in the order in which they were
// queued, at the camera's own pace and whether anybody looks or not; with none queued a frame is lost and its number
// with it; a second opener may look but not stream; an unplugged device fails with ENODEV and for ever.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x656b6166
#define MODES 16
#define CONTROLS 24
#define JPEGS 8
#define MOST_BUFFERS 32
#define MOST_FILES 16

struct mode { uint32_t fourcc, width, height, fps_numerator, fps_denominator, padding; };

struct control { uint32_t id, type; int32_t minimum, maximum, step, value; uint32_t flags, choices, stubborn, error; };

struct camera {
	// knobs
	uint32_t plugged, frozen, capabilities, modes, controls, least_buffers;
	uint32_t open_error, format_error, stream_error, take_error;
	uint32_t damaged_every, torn_every, lost_every;  // every so many frames; 0 is never
	uint32_t real_numerator, real_denominator;       // frames a second in fact, where not those agreed to
	int32_t latency_us;                              // of a frame's time: below 0, it is in the future
	uint32_t foreign_clock, refuses_format, refused_buffers, first_number, jpegs;
	struct mode mode[MODES];
	struct control control[CONTROLS];
	uint32_t jpeg_offset[JPEGS], jpeg_size[JPEGS];
	// what the driver has made of it
	uint32_t fourcc, width, height, stride, size, fps_numerator, fps_denominator;
	uint32_t owner, opened, format_changes, streams;
	uint64_t sent, lost;
};

struct file {
	int descriptor;
	struct camera *camera;
	size_t length;
	uint32_t count, streaming;
	void *memory[MOST_BUFFERS];
	struct v4l2_buffer filled[MOST_BUFFERS];
	uint32_t queued[MOST_BUFFERS], queued_count, done[MOST_BUFFERS], done_count;
	uint32_t sequence;
	int64_t next_ns;
};

static struct file files[MOST_FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static struct file *file_of(int descriptor)
{
	for (int i = 0; i < MOST_FILES; i++)
		if (files[i].camera && files[i].descriptor == descriptor)
			return &files[i];
	return NULL;
}

static int failed(int error)
{
	errno = error;
	return -1;
}

// A file that was opened may be a device; then it becomes one.
static int opened(int descriptor, int flags)
{
	char link[64], path[4096];
	uint32_t magic = 0;
	if (descriptor < 0 || (flags & O_ACCMODE) != O_RDWR || pread(descriptor, &magic, sizeof magic, 0) != sizeof magic ||
	    magic != MAGIC)
		return descriptor;
	snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
	ssize_t length = readlink(link, path, sizeof path - 8);
	strcpy(path + (length < 0 ? 0 : length), ".knobs");
	int knobs = REAL(open)(path, O_RDWR);
	if (knobs < 0)
		return descriptor;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < MOST_FILES; i++) {
		struct file *file = &files[i];
		if (file->camera)
			continue;
		memset(file, 0, sizeof *file);
		file->length = 1u << 24;
		struct camera *camera = REAL(mmap)(NULL, file->length, PROT_READ | PROT_WRITE, MAP_SHARED, knobs, 0);
		int error = !camera->plugged ? ENODEV : camera->open_error;
		REAL(close)(knobs);
		if (error) {
			munmap(camera, file->length);
			REAL(close)(descriptor);
			pthread_mutex_unlock(&lock);
			return failed(error);
		}
		file->descriptor = descriptor;
		file->camera = camera;
		camera->opened++;
		break;
	}
	pthread_mutex_unlock(&lock);
	return descriptor;
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return opened(REAL(open)(path, flags, mode), flags);
}

int open64(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return opened(REAL(open64)(path, flags, mode), flags);
}

static void free_buffers(struct file *file)
{
	if (file->count)
		file->camera->owner = 0;
	file->count = file->streaming = file->queued_count = file->done_count = 0;
}

int close(int descriptor)
{
	pthread_mutex_lock(&lock);
	struct file *file = file_of(descriptor);
	if (file) {
		free_buffers(file);
		munmap(file->camera, file->length);
		file->camera = NULL;
	}
	pthread_mutex_unlock(&lock);
	return REAL(close)(descriptor);
}

static int64_t period_ns(struct camera *camera)
{
	uint32_t numerator = camera->real_numerator ? camera->real_numerator : camera->fps_numerator;
	uint32_t denominator = camera->real_numerator ? camera->real_denominator : camera->fps_denominator;
	return 1000000000ll * denominator / (numerator ? numerator : 30);
}

static int every(uint32_t period, uint32_t number)
{
	return period && number % period == period - 1;
}

// The frame of a number: one gray, or one of the pictures given.
static uint32_t paint(struct file *file, uint8_t *memory, uint32_t number)
{
	struct camera *camera = file->camera;
	if (camera->fourcc == V4L2_PIX_FMT_MJPEG || camera->fourcc == V4L2_PIX_FMT_JPEG) {
		uint32_t which = number % (camera->jpegs ? camera->jpegs : 1), size = camera->jpeg_size[which];
		memcpy(memory, (uint8_t *)camera + camera->jpeg_offset[which], size);
		return every(camera->torn_every, number) ? size / 2 : size;
	}
	uint8_t gray = 16 + number % 200;
	memset(memory, gray, camera->size);
	if (camera->fourcc == V4L2_PIX_FMT_YUYV || camera->fourcc == V4L2_PIX_FMT_UYVY)
		for (uint32_t i = camera->fourcc == V4L2_PIX_FMT_YUYV; i < camera->size; i += 2)
			memory[i] = 128;
	else if (camera->size < camera->stride * camera->height * 2 && camera->size > camera->stride * camera->height)
		memset(memory + camera->stride * camera->height, 128, camera->size - camera->stride * camera->height);
	return every(camera->torn_every, number) ? camera->size / 2 : camera->size;
}

// Everything that the camera has sent since somebody last looked.
static void advance(struct file *file)
{
	struct camera *camera = file->camera;
	int64_t now = now_ns();
	while (file->streaming && camera->plugged && file->next_ns <= now) {
		int64_t taken = file->next_ns - camera->latency_us * 1000ll;
		file->next_ns += period_ns(camera);
		if (camera->frozen) {
			file->next_ns = now + period_ns(camera);
			return;
		}
		uint32_t number = file->sequence++;
		camera->sent++;
		if (!file->queued_count || every(camera->lost_every, number)) {
			camera->lost++;
			continue;
		}
		uint32_t index = file->queued[0];
		memmove(file->queued, file->queued + 1, --file->queued_count * sizeof file->queued[0]);
		struct v4l2_buffer *buffer = &file->filled[index];
		buffer->bytesused = paint(file, file->memory[index], number);
		buffer->sequence = number;
		buffer->timestamp.tv_sec = taken / 1000000000;
		buffer->timestamp.tv_usec = taken % 1000000000 / 1000;
		buffer->flags = camera->foreign_clock ? V4L2_BUF_FLAG_TIMESTAMP_COPY : V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
		if (every(camera->damaged_every, number))
			buffer->flags |= V4L2_BUF_FLAG_ERROR;
		file->done[file->done_count++] = index;
	}
}

static int busy(struct file *file)
{
	uint32_t owner = file->camera->owner;
	if (!owner || file->count)
		return 0;
	return owner == (uint32_t)getpid() || !kill(owner, 0);
}

static struct mode *mode_at(struct camera *camera, uint32_t fourcc, uint32_t index)
{
	for (uint32_t i = 0; i < camera->modes; i++)
		if (camera->mode[i].fourcc == fourcc && !index--)
			return &camera->mode[i];
	return NULL;
}

static int enumerate_formats(struct camera *camera, struct v4l2_fmtdesc *wanted)
{
	uint32_t index = wanted->index;
	for (uint32_t i = 0; i < camera->modes; i++)
		if (mode_at(camera, camera->mode[i].fourcc, 0) == &camera->mode[i] && !index--) {
			wanted->pixelformat = camera->mode[i].fourcc;
			return 0;
		}
	return failed(EINVAL);
}

static uint32_t apart(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

static void settle(struct camera *camera, struct mode *mode)
{
	int compressed = mode->fourcc == V4L2_PIX_FMT_MJPEG || mode->fourcc == V4L2_PIX_FMT_JPEG;
	uint32_t samples = mode->fourcc == V4L2_PIX_FMT_BGR24 ? 3 : mode->fourcc == V4L2_PIX_FMT_YUYV ||
		mode->fourcc == V4L2_PIX_FMT_UYVY || mode->fourcc == V4L2_PIX_FMT_Y16 ? 2 : 1;
	int planar = mode->fourcc == V4L2_PIX_FMT_NV12 || mode->fourcc == V4L2_PIX_FMT_YUV420;
	camera->fourcc = mode->fourcc;
	camera->width = mode->width;
	camera->height = mode->height;
	camera->stride = compressed ? 0 : mode->width * samples + mode->padding;
	camera->size = compressed ? mode->width * mode->height * 2 : camera->stride * mode->height * (planar ? 3 : 2) / 2;
	camera->fps_numerator = mode->fps_numerator;
	camera->fps_denominator = mode->fps_denominator;
}

static int set_format(struct file *file, struct v4l2_format *format, int set)
{
	struct camera *camera = file->camera;
	int several = format->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	struct v4l2_pix_format *pix = &format->fmt.pix;
	struct v4l2_pix_format_mplane *planes = &format->fmt.pix_mp;
	if (set) {
		if (camera->format_error)
			return failed(camera->format_error);
		if (busy(file) || file->count)
			return failed(EBUSY);
		uint32_t fourcc = several ? planes->pixelformat : pix->pixelformat;
		struct mode *best = NULL;
		if (!mode_at(camera, fourcc, 0) || camera->refuses_format)
			fourcc = camera->mode[0].fourcc;
		for (uint32_t i = 0; i < camera->modes; i++) {
			struct mode *mode = &camera->mode[i];
			if (mode->fourcc == fourcc && (!best || apart(mode->width, pix->width) + apart(mode->height, pix->height) <
			                               apart(best->width, pix->width) + apart(best->height, pix->height)))
				best = mode;
		}
		settle(camera, best);
		camera->format_changes++;
	}
	if (several) {
		planes->width = camera->width;
		planes->height = camera->height;
		planes->pixelformat = camera->fourcc;
		planes->num_planes = 1;
		planes->plane_fmt[0].bytesperline = camera->stride;
		planes->plane_fmt[0].sizeimage = camera->size;
		planes->field = V4L2_FIELD_NONE;
	} else {
		pix->width = camera->width;
		pix->height = camera->height;
		pix->pixelformat = camera->fourcc;
		pix->bytesperline = camera->stride;
		pix->sizeimage = camera->size;
		pix->field = V4L2_FIELD_NONE;
	}
	return 0;
}

static int request_buffers(struct file *file, struct v4l2_requestbuffers *request)
{
	if (busy(file))
		return failed(EBUSY);
	free_buffers(file);
	if (request->count && request->count < file->camera->least_buffers)
		request->count = file->camera->least_buffers;
	file->count = request->count;
	for (uint32_t i = 0; i < file->count; i++)
		if (!file->memory[i])
			file->memory[i] = REAL(mmap)(NULL, 32u << 20, PROT_READ | PROT_WRITE,
			                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	file->camera->owner = file->count ? getpid() : 0;
	return 0;
}

static void describe(struct file *file, struct v4l2_buffer *buffer, int several)
{
	uint32_t index = buffer->index;
	if (several) {
		buffer->m.planes[0].length = file->camera->size;
		buffer->m.planes[0].bytesused = file->filled[index].bytesused;
		buffer->m.planes[0].m.mem_offset = index << 25;
		buffer->m.planes[0].data_offset = 0;
	} else {
		buffer->length = file->camera->size;
		buffer->bytesused = file->filled[index].bytesused;
		buffer->m.offset = index << 25;
	}
	buffer->flags = file->filled[index].flags;
	buffer->sequence = file->filled[index].sequence;
	buffer->timestamp = file->filled[index].timestamp;
}

static int dequeue(struct file *file, struct v4l2_buffer *buffer, int several)
{
	if (file->camera->take_error)
		return failed(file->camera->take_error);
	if (!file->streaming)
		return failed(EINVAL);
	if (!file->done_count)
		return failed(EAGAIN);
	buffer->index = file->done[0];
	memmove(file->done, file->done + 1, --file->done_count * sizeof file->done[0]);
	describe(file, buffer, several);
	return 0;
}

static struct control *control_of(struct camera *camera, uint32_t id)
{
	for (uint32_t i = 0; i < camera->controls; i++)
		if (camera->control[i].id == id)
			return &camera->control[i];
	return NULL;
}

static int query_control(struct camera *camera, struct v4l2_queryctrl *query)
{
	struct control *control = control_of(camera, query->id);
	if (!control)
		return failed(EINVAL);
	query->type = control->type;
	query->minimum = control->minimum;
	query->maximum = control->maximum;
	query->step = control->step;
	query->flags = control->flags;
	return 0;
}

static int set_control(struct camera *camera, struct v4l2_control *wanted)
{
	struct control *control = control_of(camera, wanted->id);
	if (!control)
		return failed(EINVAL);
	if (control->error)
		return failed(control->error);
	if (control->flags & V4L2_CTRL_FLAG_READ_ONLY)
		return failed(EACCES);
	if (control->type == V4L2_CTRL_TYPE_MENU && !(control->choices >> wanted->value & 1))
		return failed(EINVAL);
	int32_t value = wanted->value < control->minimum ? control->minimum : wanted->value;
	if (!control->stubborn)
		control->value = value > control->maximum ? control->maximum : value;
	return 0;
}

static int control_call(struct file *file, unsigned long request, void *argument)
{
	struct camera *camera = file->camera;
	int several = 0;
	switch (request) {
	case VIDIOC_QUERYCAP: {
		struct v4l2_capability *answer = argument;
		memset(answer, 0, sizeof *answer);
		strcpy((char *)answer->driver, "imitation");
		strcpy((char *)answer->card, "Imitation Camera");
		strcpy((char *)answer->bus_info, "platform:imitation");
		answer->capabilities = camera->capabilities | V4L2_CAP_DEVICE_CAPS;
		answer->device_caps = camera->capabilities;
		return 0;
	}
	case VIDIOC_ENUM_FMT:
		return enumerate_formats(camera, argument);
	case VIDIOC_ENUM_FRAMESIZES: {
		struct v4l2_frmsizeenum *size = argument;
		struct mode *mode = mode_at(camera, size->pixel_format, size->index);
		if (!mode)
			return failed(EINVAL);
		size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
		size->discrete.width = mode->width;
		size->discrete.height = mode->height;
		return 0;
	}
	case VIDIOC_ENUM_FRAMEINTERVALS: {
		struct v4l2_frmivalenum *interval = argument;
		for (uint32_t i = 0, index = interval->index; i < camera->modes; i++) {
			struct mode *mode = &camera->mode[i];
			if (mode->fourcc != interval->pixel_format || mode->width != interval->width ||
			    mode->height != interval->height || index--)
				continue;
			interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
			interval->discrete.numerator = mode->fps_denominator;
			interval->discrete.denominator = mode->fps_numerator;
			return 0;
		}
		return failed(EINVAL);
	}
	case VIDIOC_G_FMT:
		return set_format(file, argument, 0);
	case VIDIOC_S_FMT:
		return set_format(file, argument, 1);
	case VIDIOC_S_PARM:
		if (busy(file) || file->streaming)
			return failed(EBUSY);  // fall through
	case VIDIOC_G_PARM: {
		struct v4l2_captureparm *answer = &((struct v4l2_streamparm *)argument)->parm.capture;
		answer->timeperframe.numerator = camera->fps_denominator;
		answer->timeperframe.denominator = camera->fps_numerator;
		return 0;
	}
	case VIDIOC_REQBUFS:
		return request_buffers(file, argument);
	case VIDIOC_QUERYBUF:
	case VIDIOC_QBUF:
	case VIDIOC_DQBUF: {
		struct v4l2_buffer *buffer = argument;
		several = buffer->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
		if (request == VIDIOC_DQBUF)
			return dequeue(file, buffer, several);
		if (buffer->index >= file->count)
			return failed(EINVAL);
		if (request == VIDIOC_QBUF && camera->refused_buffers) {
			camera->refused_buffers--;
			return failed(EINVAL);
		}
		describe(file, buffer, several);
		if (request == VIDIOC_QBUF)
			file->queued[file->queued_count++] = buffer->index;
		return 0;
	}
	case VIDIOC_STREAMON:
		if (camera->stream_error)
			return failed(camera->stream_error);
		file->streaming = 1;
		file->sequence = camera->first_number;
		file->next_ns = now_ns() + period_ns(camera);
		camera->streams++;
		return 0;
	case VIDIOC_STREAMOFF:
		file->streaming = file->queued_count = file->done_count = 0;
		return 0;
	case VIDIOC_QUERYCTRL:
		return query_control(camera, argument);
	case VIDIOC_QUERYMENU: {
		struct v4l2_querymenu *menu = argument;
		struct control *control = control_of(camera, menu->id);
		return control && control->choices >> menu->index & 1 ? 0 : failed(EINVAL);
	}
	case VIDIOC_G_CTRL: {
		struct control *control = control_of(camera, ((struct v4l2_control *)argument)->id);
		if (!control)
			return failed(EINVAL);
		((struct v4l2_control *)argument)->value = control->value;
		return 0;
	}
	case VIDIOC_S_CTRL:
		return set_control(camera, argument);
	default:
		return failed(ENOTTY);
	}
}

int ioctl(int descriptor, unsigned long request, ...)
{
	va_list rest;
	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);
	pthread_mutex_lock(&lock);
	struct file *file = file_of(descriptor);
	if (!file) {
		pthread_mutex_unlock(&lock);
		return REAL(ioctl)(descriptor, request, argument);
	}
	advance(file);
	int result = file->camera->plugged ? control_call(file, (uint32_t)request, argument) : failed(ENODEV);
	pthread_mutex_unlock(&lock);
	return result;
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset)
{
	pthread_mutex_lock(&lock);
	struct file *file = descriptor < 0 ? NULL : file_of(descriptor);
	void *memory = NULL;
	if (file) {  // the same pages once more: the caller will unmap his, and the driver keeps its own
		void *own = file->memory[offset >> 25];
		memory = mremap(own, 0, length, MREMAP_MAYMOVE);
	}
	pthread_mutex_unlock(&lock);
	return file ? memory : REAL(mmap)(address, length, protection, flags, descriptor, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, off64_t offset)
{
	return mmap(address, length, protection, flags, descriptor, offset);
}

// What poll() would say of the device; 0 while there is nothing to say.
static short events_of(int descriptor)
{
	pthread_mutex_lock(&lock);
	struct file *file = file_of(descriptor);
	short events = 0;
	if (file) {
		advance(file);
		if (!file->camera->plugged)
			events = POLLERR | POLLHUP;
		else if (!file->streaming || file->camera->take_error)
			events = POLLERR;
		else if (file->done_count)
			events = POLLIN | POLLRDNORM;
	}
	pthread_mutex_unlock(&lock);
	return events;
}

static int is_ours(int descriptor)
{
	pthread_mutex_lock(&lock);
	struct file *file = file_of(descriptor);
	pthread_mutex_unlock(&lock);
	return file != NULL;
}

#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // of the header, for a pointer that it says is written only
int poll(struct pollfd *wanted, nfds_t count, int timeout_ms)
{
	if (count != 1 || !is_ours(wanted->fd))
		return REAL(poll)(wanted, count, timeout_ms);
	int64_t end = now_ns() + timeout_ms * 1000000ll;
	for (;;) {
		wanted->revents = events_of(wanted->fd) & (wanted->events | POLLERR | POLLHUP);
		if (wanted->revents)
			return 1;
		if (timeout_ms >= 0 && now_ns() >= end)
			return 0;
		usleep(500);
	}
}

int select(int highest, fd_set *reading, fd_set *writing, fd_set *excepting, struct timeval *limit)
{
	for (int descriptor = 0; reading && descriptor < highest; descriptor++)
		if (FD_ISSET(descriptor, reading) && is_ours(descriptor)) {
			struct pollfd wanted = {.fd = descriptor, .events = POLLIN};
			int result = poll(&wanted, 1, limit ? limit->tv_sec * 1000 + limit->tv_usec / 1000 : -1);
			if (!result)
				FD_CLR(descriptor, reading);
			return result;
		}
	return REAL(select)(highest, reading, writing, excepting, limit);
}
