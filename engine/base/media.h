/* media.h - what kind of thing a value is: text, a picture, sound, a model's turn.
 *
 * A small closed list, because providers take a small closed list. Bytes are told
 * apart by how they begin, never by a file's name. It decodes nothing.
 *
 * LG_MEDIA_CALLS is what a model said when it called tools: JSON
 * {"text": …, "calls": [{"id", "name", "arguments"}], "dialect": …, "raw": …};
 * raw is the dialect's own form, to be sent back unchanged. */
#ifndef LG_MEDIA_H
#define LG_MEDIA_H

#include "base/text.h"

enum lg_media {
    LG_MEDIA_TEXT = 0,
    LG_MEDIA_CALLS,
    LG_MEDIA_PNG,
    LG_MEDIA_JPEG,
    LG_MEDIA_GIF,
    LG_MEDIA_WEBP,
    LG_MEDIA_WAV,
    LG_MEDIA_MP3,
    LG_MEDIA_OGG,
    LG_MEDIA_FLAC,
    LG_MEDIA_PCM, /* 16 bits, little-endian, 24 kHz, one channel: as providers speak */
    LG_MEDIA_PDF,
    LG_MEDIA_IMAGE_URL, /* these three: the bytes are the address */
    LG_MEDIA_AUDIO_URL,
    LG_MEDIA_PDF_URL,
    LG_MEDIA_KINDS
};

/* "image/png", …; "image/url", "audio/url", "application/pdf-url" for addresses;
 * "text/plain" for text. Static. */
const char *lg__media_type(int media);
/* The kind of a type as written in a header (parameters are skipped) or a data URL; -1:
 * none that we know. */
int lg__media_of_type(const char *type);
/* By the first bytes; -1: none that we know. Never TEXT. */
int lg__media_sniff(const char *s, size_t len);
/* The kind of what a host gives: type as in lg_var_new_media. LG_EINVAL: unknown, or the
 * bytes are not what type says. Never TEXT or TURN. */
int lg__media_check(const char *type, const char *s, size_t len);
bool lg__media_is_image(int media); /* bytes or address */
bool lg__media_is_url(int media);
/* "wav", "mp3", "png", …: as file names end and some providers call them. Static. */
const char *lg__media_ending(int media);

/* A copy with a kind. NULL: memory */
lg_text *lg__text_new_media(lg_mem *m, int media, const char *s, size_t len);
/* What a person or a critic reads of a value: a counted t itself when it is text;
 * "[image/png, 3412 bytes]"; a turn as its words and calls. NULL: memory */
lg_text *lg__media_describe(lg_mem *m, lg_text *t);

/* Standard alphabet, with padding. → b->err */
int lg__base64_write(lg_bytes *b, const char *s, size_t len);
/* Blanks are skipped; both alphabets, padding or not. 0, LG_EPARSE, b->err */
int lg__base64_read(lg_bytes *b, const char *s, size_t len);

#endif
