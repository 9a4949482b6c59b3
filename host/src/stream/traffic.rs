//! The implementations of `Stream` and `Sink`.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite};

use super::error::Error;
use super::message::{CloseFrame, Message};
use super::socket::{Reading, WebSocketStream};
use super::wakers::Half;
use crate::sizes::CAPACITY;

impl<IO> WebSocketStream<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Closes the connection: sends a close frame, waits for the peer's, and closes the transport.
    ///
    /// Messages that arrive meanwhile can be received afterwards; if they fill more than 64 KiB, reading stops until
    /// they are taken.
    ///
    /// # Errors
    ///
    /// The error that kept the connection from closing cleanly; [`Error::Failure`] if the frame is invalid.
    pub async fn close(&mut self, frame: Option<CloseFrame>) -> Result<(), Error> {
        if self.is_open() {
            self.queue_close(frame);
        }
        poll_fn(|cx| self.poll_closed(cx)).await
    }

    /// Waits for a condition, or for the end of the connection.
    pub(super) async fn wait_until(&mut self, is_so: impl Fn(&Self) -> bool) {
        poll_fn(|cx| {
            let waker = self.enter(Half::Reader, cx);
            let cx = &mut Context::from_waker(&waker);
            while !is_so(self) && !self.is_over() {
                ready!(self.poll_step(cx, Reading::Next));
            }
            self.leave();
            Poll::Ready(())
        })
        .await;
    }

    fn poll_closed(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let waker = self.enter(Half::Writer, cx);
        let cx = &mut Context::from_waker(&waker);
        while !self.is_over() {
            self.check()?;
            ready!(self.poll_step(cx, Reading::Ahead));
        }
        self.leave();
        Poll::Ready(self.error().map_or(Ok(()), Err))
    }

    /// Takes the next received message. If it is a close frame, answers it, and writes the answer as far as possible
    /// without waiting: the program may not poll again.
    fn take(&mut self, cx: &Context<'_>) -> Option<Message> {
        let message = self.conversation.take()?;
        if let Message::Close(frame) = &message
            && self.config.reply_to_close
            && self.is_open()
        {
            let reason = String::new();
            let code = frame.as_ref().map(|frame| frame.code);
            self.queue_close(code.map(|code| CloseFrame { code, reason }));
            let waker = self.enter(Half::Reader, cx);
            let cx = &mut Context::from_waker(&waker);
            while !self.is_flushed() && !self.is_over() {
                if self.poll_step(cx, Reading::No).is_pending() {
                    break;
                }
            }
        }
        Some(message)
    }

    /// Reports a message that the session refused, once.
    fn check(&mut self) -> Result<(), Error> {
        let Some(failure) = self.conversation.refusal.take() else {
            return Ok(());
        };
        self.reconsider();
        Err(failure.into())
    }
}

impl<IO> Stream for WebSocketStream<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(message) = this.take(cx) {
            return Poll::Ready(Some(Ok(message)));
        }
        let waker = this.enter(Half::Reader, cx);
        let cx = &mut Context::from_waker(&waker);
        let item = loop {
            if let Some(message) = this.take(cx) {
                break Some(Ok(message));
            }
            if this.is_over() {
                break this.last_error().map(Err);
            }
            ready!(this.poll_step(cx, Reading::Next));
        };
        this.leave();
        Poll::Ready(item)
    }
}

impl<IO> Sink<Message> for WebSocketStream<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        const FULL: usize = CAPACITY as usize;
        let this = self.get_mut();
        if this.conversation.queued() >= FULL {
            let waker = this.enter(Half::Writer, cx);
            let cx = &mut Context::from_waker(&waker);
            while this.conversation.queued() >= FULL && !this.is_over() {
                ready!(this.poll_step(cx, Reading::No));
            }
            this.leave();
        }
        this.check()?;
        if this.is_open() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Ready(Err(this.error().unwrap_or(Error::Closed)))
        }
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        if !this.is_open() {
            return Err(this.error().unwrap_or(Error::Closed));
        }
        match message {
            Message::Close(frame) => this.queue_close(frame),
            message => {
                this.measure(&message)?;
                this.conversation.queue(message);
            }
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let waker = this.enter(Half::Writer, cx);
        let cx = &mut Context::from_waker(&waker);
        while !this.is_flushed() && !this.is_over() {
            ready!(this.poll_step(cx, Reading::No));
        }
        this.check()?;
        if let Some(error) = this.unsent() {
            return Poll::Ready(Err(error));
        }
        this.leave();
        Poll::Ready(Ok(()))
    }

    /// As [`WebSocketStream::close`] does, with the code 1000.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        const NORMAL: u16 = 1000;
        let this = self.get_mut();
        if this.is_open() {
            let (code, reason) = (NORMAL, String::new());
            this.queue_close(Some(CloseFrame { code, reason }));
        }
        this.poll_closed(cx)
    }
}
