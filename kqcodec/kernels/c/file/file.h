/* The decoder of whole files, which kq.h is made of. */
#ifndef KQ_FILE_FILE_H
#define KQ_FILE_FILE_H

#include "file/api.h"
#include "file/read.h"

#endif
