FROM busybox   
RUN   echo  spaced   out   
USER  nobody  
