# The image of the lab's container: JupyterLab and the course.  The build context is
# a folder with wheels/ and course/, which the machine that builds made before: no
# container needs a package registry.
#
#   make labimage                          # or: python -m rmqlab.classroom.lab_image
#   docker build -f compose/lab.Dockerfile -t rmqlab-lab:0.1.0 build/lab
#
# BASE_IMAGE is the one that the wheels were chosen for.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS installed
COPY wheels /wheels/
RUN python3 -m venv /opt/pip \
 && python3 -m venv --without-pip /opt/rmqlab \
 && /opt/pip/bin/pip --python /opt/rmqlab/bin/python install \
      --no-cache-dir --no-index --find-links /wheels 'rmqlab[lab]'

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
LABEL rmqlab.base=${BASE_IMAGE}
COPY --from=installed /opt/rmqlab /opt/rmqlab
# Nobody is root here, either; a new volume on the home belongs to the same user.
RUN echo 'learner:x:3000:3000::/home/learner:/bin/sh' >>/etc/passwd \
 && mkdir /home/learner \
 && chown 3000:3000 /home/learner
COPY --chown=3000:3000 course /home/learner/rmqlab
USER 3000:3000
WORKDIR /home/learner/rmqlab
ENV PATH=/opt/rmqlab/bin:$PATH HOME=/home/learner

# JupyterLab, and what `rmqlab console` may have.
EXPOSE 8888 8889
CMD ["rmqlab", "lab", "--no-browser", "--ip", "0.0.0.0"]
