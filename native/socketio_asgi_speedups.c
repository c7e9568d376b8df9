/* Events and acknowledgements of Socket.IO in frames of WebSocket.
 *
 * The same as socketio_asgi/websocket/python_events.py, and the reading of the frame around an event.
 * What a function here does not know it leaves to Python, by returning None: everything that is
 * wrong, rare or long. So there is no error of its own in here.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

/* Counted up when a function changes its arguments, its result or its meaning. */
#define INTERFACE 1

#define WHOLE_TEXT 0x81 /* the last frame of a message, and text */
#define MASKED 0x80
#define HEADER 6 /* two bytes, and the mask */
#define LONGEST 125
#define MAX_DIGITS 19 /* as many as fit into 64 bits; Python takes one more */

static PyObject *loads, *dumps, *decode_error, *encode_error, *plain;

/* The text of an event that begins with its digits: (number or None, items), or None. */
static PyObject *
decode_event(const unsigned char *text, Py_ssize_t size)
{
    uint64_t value = 0;
    Py_ssize_t start = 0;
    while (start < size && text[start] >= '0' && text[start] <= '9') {
        if (start == MAX_DIGITS)
            Py_RETURN_NONE;
        value = value * 10 + (text[start++] - '0');
    }
    if (start == size || text[start] != '[')
        Py_RETURN_NONE;
    PyObject *json = PyBytes_FromStringAndSize((const char *)text + start, size - start);
    if (json == NULL)
        return NULL;
    PyObject *items = PyObject_CallOneArg(loads, json);
    Py_DECREF(json);
    if (items == NULL) {
        if (!PyErr_ExceptionMatches(decode_error))
            return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    if (!PyList_CheckExact(items) || PyList_GET_SIZE(items) == 0 ||
        !PyUnicode_CheckExact(PyList_GET_ITEM(items, 0))) {
        Py_DECREF(items);
        Py_RETURN_NONE;
    }
    PyObject *number = start ? PyLong_FromUnsignedLongLong(value) : Py_NewRef(Py_None);
    PyObject *event = number == NULL ? NULL : PyTuple_New(2);
    if (event == NULL) {
        Py_XDECREF(number);
        Py_DECREF(items);
        return NULL;
    }
    PyTuple_SET_ITEM(event, 0, number);
    PyTuple_SET_ITEM(event, 1, items);
    return event;
}

PyDoc_STRVAR(read_event_frame_doc,
"read_event_frame(data, longest)\n--\n\n"
"Decode a segment that is one whole, masked, short frame with an event of the main namespace.\n\n"
"Args:\n"
"    data: The segment.\n"
"    longest: The size of the largest segment that is looked at.\n\n"
"Returns:\n"
"    The number and the items, as read_event() does; None leaves the segment to the general way.");

static PyObject *
read_event_frame(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "read_event_frame() takes two arguments");
        return NULL;
    }
    Py_ssize_t longest = PyLong_AsSsize_t(args[1]);
    if (longest == -1 && PyErr_Occurred())
        return NULL;
    if (!PyBytes_CheckExact(args[0]))
        Py_RETURN_NONE;
    const unsigned char *data = (const unsigned char *)PyBytes_AS_STRING(args[0]);
    Py_ssize_t size = PyBytes_GET_SIZE(args[0]), length = size - HEADER;
    if (length < 4 || length > LONGEST || size > longest || data[0] != WHOLE_TEXT ||
        data[1] != (MASKED | length))
        Py_RETURN_NONE;
    const unsigned char *mask = data + 2, *payload = data + HEADER;
    if ((payload[0] ^ mask[0]) != '4' || (payload[1] ^ mask[1]) != '2')
        Py_RETURN_NONE;
    unsigned char text[LONGEST];
    for (Py_ssize_t i = 0; i < length; i++)
        text[i] = payload[i] ^ mask[i & 3];
    return decode_event(text + 2, length - 2);
}

/* Write the header of a whole text of that size; returns the position behind it. */
static unsigned char *
write_header(unsigned char *out, Py_ssize_t size)
{
    int width = size <= LONGEST ? 0 : size <= 0xFFFF ? 2 : 8;
    *out++ = WHOLE_TEXT;
    *out++ = width == 0 ? (unsigned char)size : width == 2 ? 126 : 127;
    while (width--)
        *out++ = (unsigned char)((uint64_t)size >> (8 * width));
    return out;
}

/* The frame of an acknowledgement whose values are that JSON. */
static PyObject *
build_ack(uint64_t value, PyObject *json)
{
    char digits[20];
    int first = sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    Py_ssize_t written = (Py_ssize_t)sizeof digits - first, size = PyBytes_GET_SIZE(json);
    Py_ssize_t content = 2 + written + size;
    Py_ssize_t header = content <= LONGEST ? 2 : content <= 0xFFFF ? 4 : 10;
    PyObject *frame = PyBytes_FromStringAndSize(NULL, header + content);
    if (frame == NULL)
        return NULL;
    unsigned char *out = write_header((unsigned char *)PyBytes_AS_STRING(frame), content);
    *out++ = '4';
    *out++ = '3';
    memcpy(out, digits + first, (size_t)written);
    memcpy(out + written, PyBytes_AS_STRING(json), (size_t)size);
    return frame;
}

PyDoc_STRVAR(ack_frame_doc,
"ack_frame(number, values)\n--\n\n"
"The frame of an acknowledgement in the main namespace.\n\n"
"Args:\n"
"    number: The number of the event.\n"
"    values: What it is answered with.\n\n"
"Returns:\n"
"    The frame; None when a value has no JSON form of its own, or the number has over 64 bits.");

static PyObject *
ack_frame(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "ack_frame() takes two arguments");
        return NULL;
    }
    uint64_t value = PyLong_AsUnsignedLongLong(args[0]);
    if (value == (uint64_t)-1 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError))
            return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyObject *given[] = {args[1], Py_None, plain};
    PyObject *json = PyObject_Vectorcall(dumps, given, 3, NULL);
    if (json == NULL) {
        if (!PyErr_ExceptionMatches(encode_error))
            return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyObject *frame = build_ack(value, json);
    Py_DECREF(json);
    return frame;
}

static PyMethodDef methods[] = {
    {"read_event_frame", (PyCFunction)(void (*)(void))read_event_frame, METH_FASTCALL,
     read_event_frame_doc},
    {"ack_frame", (PyCFunction)(void (*)(void))ack_frame, METH_FASTCALL, ack_frame_doc},
    {NULL, NULL, 0, NULL},
};

static int
set_up(PyObject *module)
{
    PyObject *orjson = PyImport_ImportModule("orjson");
    if (orjson == NULL)
        return -1;
    loads = PyObject_GetAttrString(orjson, "loads");
    dumps = PyObject_GetAttrString(orjson, "dumps");
    decode_error = PyObject_GetAttrString(orjson, "JSONDecodeError");
    encode_error = PyObject_GetAttrString(orjson, "JSONEncodeError");
    plain = PyObject_GetAttrString(orjson, "OPT_PASSTHROUGH_DATETIME");
    Py_DECREF(orjson);
    if (!loads || !dumps || !decode_error || !encode_error || !plain)
        return -1;
    if (PyModule_AddStringConstant(module, "__version__", VERSION) < 0)
        return -1;
    return PyModule_AddIntConstant(module, "INTERFACE", INTERFACE);
}

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "socketio_asgi_speedups",
    .m_doc = "The native piece of socketio_asgi; see the documentation of that, \"Running\".",
    .m_size = -1, /* one for each process: it has no subinterpreters */
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_socketio_asgi_speedups(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && set_up(module) < 0)
        Py_CLEAR(module);
    return module;
}
